from __future__ import annotations

import pytest

from mcp_tui.config.references import looks_secret, resolve, secret_name

ENVIRON = {"HOME": "/home/me", "TOKEN": "tok-1234567", "EMPTY": "", "TRICK": "${TOKEN}", "KEY_FILE": "/etc/key.pem"}


@pytest.mark.parametrize(
    ("text", "whole", "expected"),
    [
        ("plain", True, "plain"),
        ("env:TOKEN", True, "tok-1234567"),
        ("env:TOKEN", False, "env:TOKEN"),
        ("${HOME}/x/${TOKEN}", False, "/home/me/x/tok-1234567"),
        ("${env:HOME}", False, "/home/me"),
        ("${NONE:-fallback}", False, "fallback"),
        ("${EMPTY:-fallback}", False, "fallback"),
        ("${EMPTY}", False, ""),
        ("${NONE:-}", False, ""),
        ("$${HOME}", False, "${HOME}"),
        ("$HOME", False, "$HOME"),
        ("${TRICK}", False, "${TOKEN}"),
        ("${unclosed", False, "${unclosed"),
    ],
)
def test_texts(text: str, whole: bool, expected: str) -> None:
    resolved = resolve(text, ENVIRON, whole=whole)
    assert (resolved.text, resolved.missing, resolved.malformed) == (expected, (), ())


def test_case_101_every_missing_variable_is_named() -> None:
    assert resolve("${A}-${B}", ENVIRON, whole=False).missing == ("A", "B")
    assert resolve("env:A", ENVIRON, whole=True).missing == ("A",)


def test_an_empty_variable_is_no_key() -> None:
    assert resolve("env:EMPTY", ENVIRON, whole=True).missing == ("EMPTY",)


@pytest.mark.parametrize("text", ["${}", "${a b}", "${input:token}", "${1}"])
def test_what_names_no_variable_is_said(text: str) -> None:
    assert resolve(text, ENVIRON, whole=False).malformed == (text,)


@pytest.mark.parametrize(
    "text", ["env:", "env:a-b", "env:sk-abcdefghijklmnopqrstuv", "env:ghp_abcdefghijklmnopqrstuvwx"]
)
def test_a_key_written_after_env_is_not_taken_for_a_name(text: str) -> None:
    resolved = resolve(text, {}, whole=True)
    assert not resolved.missing
    assert resolved.malformed == ("env:",)


def test_secrets_are_collected() -> None:
    assert resolve("env:HOME", ENVIRON, whole=True).secrets == {"/home/me"}
    assert resolve("${TOKEN}", ENVIRON, whole=False).secrets == {"tok-1234567"}
    assert resolve("${HOME}", ENVIRON, whole=False).secrets == frozenset()
    header = resolve("Bearer ${TOKEN}", ENVIRON, whole=True, holder="Authorization")
    assert header.secrets == {"tok-1234567", "Bearer tok-1234567"}
    assert resolve("literal-token", ENVIRON, whole=True, holder="GITHUB_TOKEN").secrets == {"literal-token"}


def test_paths_and_counts_are_not_secrets_because_of_their_names() -> None:
    assert not resolve("${KEY_FILE}", ENVIRON, whole=False).secrets
    assert not resolve("100000", ENVIRON, whole=True, holder="MAX_TOKENS").secrets


@pytest.mark.parametrize("word", ["none", "ollama", "EMPTY", "lm-studio", " "])
def test_words_written_where_no_key_is_needed_are_not_masked(word: str) -> None:
    assert not resolve("env:KEY", {"KEY": word}, whole=True).secrets


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "GITHUB_TOKEN", "db_password", "Authorization", "X-Api-Key", "GH_PAT", "token"]
)
def test_names_of_secrets(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize("name", ["HOME", "PATH", "USER", "LANG", "WORKDIR", "PATTERN"])
def test_names_of_other_things(name: str) -> None:
    assert not secret_name(name)


def test_the_shape_of_a_secret() -> None:
    assert looks_secret("--api-key=abcdef123456")
    assert looks_secret("sk-abcdefghijklmnopqrstuvwxyz")
    assert not looks_secret("--root=/home/me")
