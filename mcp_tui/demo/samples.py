"""Contents of the sample files that the demo puts into its temporary folder."""

from __future__ import annotations

from pathlib import Path

SAMPLES = {
    "README.md": """# Sample folder

A few files for the demo to work on. The folder is temporary: it is removed when the demo ends.

- `notes/todo.md` what is still to do
- `notes/meeting.txt` minutes of a meeting
- `data/sales.csv` figures of four regions
- `code/fibonacci.py` a small program
- `haiku.txt` a poem
""",
    "haiku.txt": "Text flows line by line\nA tool waits for your word: yes\nThe log keeps it all\n",
    "notes/todo.md": """# To do

- [x] choose a terminal
- [ ] buy tea for the Tokyo office
- [ ] ask Ines about the budget
- [ ] write the release note
""",
    "notes/meeting.txt": """Planning meeting, 12 May 2026
Present: Ines, Kofi, Mara, Yuki

1. The budget for the second half is approved: 48,500.
2. Kofi moves the release to 3 June; Mara writes the release note.
3. The Tokyo office asks for tea. Again.
""",
    "data/sales.csv": """region,quarter,units,revenue
north,Q1,120,18400
north,Q2,135,20600
south,Q1,98,15100
south,Q2,143,21900
east,Q1,77,11800
east,Q2,81,12500
west,Q1,164,25300
west,Q2,158,24700
""",
    "code/fibonacci.py": '''"""The Fibonacci numbers."""


def fibonacci(count: int) -> list[int]:
    """The first numbers of the sequence."""
    numbers = [0, 1]
    while len(numbers) < count:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:count]


if __name__ == "__main__":
    print(fibonacci(12))
''',
}


def write_samples(folder: Path) -> None:
    """Create the sample files below ``folder``, readable by the user only."""
    for name, text in SAMPLES.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
