from __future__ import annotations

from typing import Any

import pytest

from mcp_tui.config.providers import address_fault

KEY = "llm.providers.openai.api_key"


def warnings(files: Any) -> dict[str, str]:
    return {problem.field: problem.render() for problem in files.loaded().warnings}


def test_a_missing_key_of_the_active_provider_is_a_problem_that_names_the_variable(files: Any) -> None:
    del files.environ["OPENAI_API_KEY"]
    problem = files.problems()[KEY]
    assert problem.message == "the environment variable OPENAI_API_KEY is not set"
    assert "export OPENAI_API_KEY=" in problem.hint


def test_where_no_model_is_asked_no_key_is_missed(files: Any) -> None:
    for name in [name for name in files.environ if name.endswith("_API_KEY")]:
        del files.environ[name]
    loaded = files.loaded(keys_needed=False)
    assert loaded.warnings == ()
    assert loaded.active.missing_key_variable == "OPENAI_API_KEY"


def test_an_empty_variable_is_a_missing_one(files: Any) -> None:
    files.environ["OPENAI_API_KEY"] = ""
    assert "OPENAI_API_KEY" in files.problems()[KEY].message


def test_a_missing_key_of_another_provider_is_a_warning_and_kept_for_its_selection(files: Any) -> None:
    del files.environ["ANTHROPIC_API_KEY"]
    loaded = files.loaded()
    assert loaded.providers["anthropic"].api_key is None
    assert loaded.providers["anthropic"].missing_key_variable == "ANTHROPIC_API_KEY"
    assert loaded.providers["openai"].missing_key_variable is None
    assert [problem.field for problem in loaded.warnings] == ["llm.providers.anthropic.api_key"]


def test_a_literal_key_works_with_a_warning_that_does_not_show_it(files: Any) -> None:
    files.set(KEY, "my-own-literal-key")
    loaded = files.loaded()
    assert loaded.active.api_key is not None
    assert loaded.active.api_key.get_secret_value() == "my-own-literal-key"
    assert "my-own-literal-key" in loaded.secrets
    [warning] = loaded.warnings
    assert "holds the key itself" in warning.render()
    assert "my-own" not in warning.render()


def test_a_reference_in_braces_works_too(files: Any) -> None:
    files.set(KEY, "${OPENAI_API_KEY}")
    loaded = files.loaded()
    assert loaded.active.api_key is not None
    assert loaded.active.api_key.get_secret_value() == "sk-openai-1234567890"
    assert not loaded.warnings


@pytest.mark.parametrize("value", ["env:", "env:not a name", "env:sk-abcdefghijklmnopqrstuvwx"])
def test_a_reference_to_no_variable(files: Any, value: str) -> None:
    files.set(KEY, value)
    problem = files.problems()[KEY]
    assert problem.message == "names no environment variable"
    assert "sk-abc" not in problem.render()


def test_an_empty_key(files: Any) -> None:
    files.set(KEY, " ")
    assert files.problems()[KEY].message == "is empty"


def test_no_key_where_the_provider_needs_one(files: Any) -> None:
    files.set(KEY, None)
    assert "Write `env:OPENAI_API_KEY`." in warnings(files)[KEY]
    files.set("llm.providers.openai.api_base", "http://localhost:8080/v1")
    assert 'such as "none"' in warnings(files)[KEY]


def test_a_local_server_takes_any_word_as_key(files: Any) -> None:
    files.set(KEY, "none")
    files.set("llm.providers.openai.api_base", "http://127.0.0.1:8080/v1")
    loaded = files.loaded()
    assert not loaded.warnings
    assert "none" not in loaded.secrets


@pytest.mark.parametrize(
    "address", ["localhost:11434", "ftp://x", "http://", "http://a b/", "http://x:99999", "http://x:0", "http://[::1"]
)
def test_addresses_that_are_none(files: Any, address: str) -> None:
    assert address_fault(address)
    files.set("llm.providers.ollama.api_base", address)
    assert "llm.providers.ollama.api_base" in files.problems()


@pytest.mark.parametrize("address", ["http://127.0.0.1:11434", "https://example.org/v1", "http://[::1]:8080/v1"])
def test_addresses(address: str) -> None:
    assert address_fault(address) is None


def test_a_key_sent_in_the_clear_is_a_warning(files: Any) -> None:
    files.set("llm.providers.openai.api_base", "http://models.example.org/v1")
    assert "without encryption" in warnings(files)["llm.providers.openai.api_base"]


@pytest.mark.parametrize("model", ["openai/gpt 5", " openai/gpt-5", "/"])
def test_model_names_that_are_none(files: Any, model: str) -> None:
    files.set("llm.providers.openai.model", model)
    assert "is no model name" in files.problems()["llm.providers.openai.model"].message


@pytest.mark.parametrize(
    ("model", "said"), [("gpt-5", "does not name the provider"), ("ollama/qwen3", "Write `ollama_chat/qwen3`.")]
)
def test_model_names_that_work_badly(files: Any, model: str, said: str) -> None:
    files.set("llm.providers.openai.model", model)
    assert said in warnings(files)["llm.providers.openai.model"]


def test_sampling_window_and_prices_are_handed_on(files: Any) -> None:
    values = {
        "temperature": 0.5,
        "max_tokens": 9,
        "top_p": 0.9,
        "context_window": 9000,
        "input_price": 1.25,
        "output_price": 10,
    }
    for name, value in values.items():
        files.set(f"llm.providers.openai.{name}", value)
    active = files.loaded().active
    assert {name: getattr(active, name) for name in values} == values
