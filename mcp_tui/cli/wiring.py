"""Configuration -> engine: the one place that knows every concrete part."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_tui import __version__
from mcp_tui.cli.options import Options
from mcp_tui.config.loader import load
from mcp_tui.config.models import Config
from mcp_tui.config.paths import APP_NAME, Paths, resolve_paths
from mcp_tui.config.resolved import ResolvedProvider
from mcp_tui.config.rules_file import RulesFile
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.theme_data import ThemeData
from mcp_tui.config.themes import load_themes
from mcp_tui.engine.engine import Engine, EngineParts, EngineSettings, ProviderChoice
from mcp_tui.errors import UsageError
from mcp_tui.gateway.base import ModelGateway
from mcp_tui.gateway.tokens import CountTexts, TokenCounter
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.search import SearchIndex
from mcp_tui.host.base import ToolHost
from mcp_tui.host.host import McpHost
from mcp_tui.permissions.base import Fallback, Rule
from mcp_tui.permissions.guards import HeldSecrets, OwnFiles
from mcp_tui.safety.secrets import Redactor
from mcp_tui.telemetry.logging import LogFile
from mcp_tui.trust.keeper import TrustKeeper, trust_all
from mcp_tui.ui.keymap import check_keys


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a run is made from, validated."""

    demo: bool
    config: Config
    servers: Mapping[str, ServerConfig]
    providers: Mapping[str, ResolvedProvider]
    """Empty in the demo."""
    themes: tuple[ThemeData, ...]
    warnings: tuple[str, ...]
    redactor: Redactor
    paths: Paths
    environ: Mapping[str, str]
    """The environment as it was when the program started."""


@contextmanager
def setup(options: Options, *, theme: str | None = None, keys_needed: bool = True) -> Iterator[Setup]:
    """Load the configuration, or make the demo's, whose temporary folder lives as long as the context.

    Without ``keys_needed`` no model will be asked, and the key of none has to be there.  Raises `ConfigError` with
    every problem of both files.
    """
    environ = dict(os.environ)
    paths = resolve_paths(environ, config=options.config, servers=options.servers)
    if options.demo:
        with _demo(paths, environ, theme) as made:
            yield made
        return
    loaded = load(paths.config_file, paths.servers_file, environ, check_keys=check_keys, keys_needed=keys_needed)
    yield Setup(
        demo=False,
        config=loaded.config,
        servers=loaded.servers,
        providers=loaded.providers,
        themes=tuple(loaded.themes.values()),
        warnings=tuple(str(problem) for problem in loaded.warnings),
        redactor=Redactor(loaded.secrets),
        paths=paths,
        environ=environ,
    )


@contextmanager
def _demo(paths: Paths, environ: Mapping[str, str], theme: str | None) -> Iterator[Setup]:
    from mcp_tui.demo.configuration import demo_setup

    themes, problems = load_themes(paths.themes_dir)
    with demo_setup(theme=theme if theme in themes else "mcp-dark") as made:
        yield Setup(
            demo=True,
            config=made.config,
            servers=made.servers,
            providers={},
            themes=tuple(themes.values()),
            warnings=tuple(str(problem) for problem in problems),
            redactor=Redactor(),
            paths=paths,
            environ=environ,
        )


def preload(demo: bool) -> None:
    """Import in the calling thread what the engine's start would otherwise import on the event loop."""
    from mcp_tui.host.preload import preload as preload_host

    preload_host()
    if demo:
        import mcp_tui.gateway.demo
    else:
        import mcp_tui.gateway.litellm_gateway  # noqa: F401


def open_log(made: Setup) -> LogFile:
    """The log file.  Raises `UsageError` when it cannot be opened."""
    path = made.paths.log_dir / "mcp-tui.log"
    try:
        return LogFile(path, made.redactor, level=made.config.logging.level, style=made.config.logging.format)
    except OSError as error:
        raise UsageError(f"The log file {path} cannot be opened: {error.strerror}.") from None


def build_engine(
    made: Setup,
    *,
    rules: Sequence[Rule] = (),
    fallback: Fallback | None = None,
    rules_file: RulesFile | None = None,
    server_wait: float = 3.0,
    interactive: bool = False,
    gateway: ModelGateway | None = None,
    host: ToolHost | None = None,
) -> Engine:
    """The engine with its concrete parts; starts nothing.  ``interactive``: somebody can be asked.

    ``gateway`` takes the place of the model layer.  ``host`` takes that of the servers: its calls reach nothing, so
    that neither trust nor guards concern it.

    ``rules_file`` is the user's ``permissions.yaml`` unless given; in the demo, rules live in memory.
    """
    config = made.config
    service = config.chat.service
    count: CountTexts | None = None
    if gateway is None:
        gateway, count = _gateway(made)
    settings = EngineSettings(
        service, config.llm.request, app_version=__version__, server_wait=server_wait, interactive=interactive
    )
    if rules_file is None:
        rules_file = RulesFile.load(None if made.demo else made.paths.rules_file)
    cwds = {name: server.cwd for name, server in made.servers.items() if server.cwd}
    engine: Engine
    keeper = trust_keeper(made)

    def waiting(words: str) -> None:
        engine.notice(words)

    engine = Engine(
        EngineParts(
            settings=settings,
            store=JsonlStore(conversations_dir(made.paths), on_wait=waiting),
            search=SearchIndex(conversations_dir(made.paths), made.paths.cache_dir),
            gateway=gateway,
            make_host=lambda emit: (
                host
                if host is not None
                else McpHost(
                    made.servers,
                    config.mcp.connection,
                    service.tools,
                    emit=emit,
                    environ=made.environ,
                    mask=made.redactor.scrub,
                    client_version=__version__,
                    gatekeeper=keeper,
                    state_dir=made.paths.data_dir / "state",
                )
            ),
            counter=TokenCounter(config.llm.providers[config.llm.active].model, count=count),
            providers=_choices(made),
            provider=config.llm.active,
            redactor=made.redactor,
            rules=[*(guards(made.paths, made.redactor, cwds, rules_file) if host is None else ()), *rules],
            fallback=fallback,
            rules_file=rules_file,
            server_cwds=cwds,
            trust=keeper if host is None else None,
        )
    )
    keeper.conversation = lambda: engine.conversation_id
    return engine


def trust_keeper(made: Setup) -> TrustKeeper:
    """What says which servers may start: the demo's own ones do, all others need the person."""
    if made.demo:
        return trust_all(made.servers, __version__)
    return TrustKeeper(made.servers, made.environ, made.redactor, __version__, folder=made.paths.data_dir)


def guards(paths: Paths, redactor: Redactor, cwds: Mapping[str, str], rules_file: RulesFile) -> list[Rule]:
    """What asks whatever the rules say: this program's own files, and secrets on their way out."""
    files = [paths.config_file, paths.servers_file, paths.rules_file]
    if rules_file.path is not None:
        files.append(rules_file.path)
    folders = [paths.data_dir, paths.log_dir, paths.cache_dir, *own_config_dirs(paths)]
    return [OwnFiles(folders=folders, files=files, bases=cwds.values()), HeldSecrets(redactor)]


def own_config_dirs(paths: Paths) -> list[Path]:
    """Folders of configuration that are this program's alone: one named for it, not a project that holds a file."""
    found = {paths.config_dir, paths.servers_file.parent}
    return [folder for folder in found if folder.name == APP_NAME]


def conversations_dir(paths: Paths) -> Path:
    """Where the JSONL files are."""
    return paths.conversations_dir


def _gateway(made: Setup) -> tuple[ModelGateway, CountTexts | None]:
    """The model layer, and who counts tokens: its worker, or in the demo nobody (counts are estimates)."""
    if made.demo:
        from mcp_tui.demo.guide import SUGGESTIONS
        from mcp_tui.gateway.demo import DemoGateway

        return DemoGateway(suggestions=SUGGESTIONS), None
    from mcp_tui.gateway.litellm_gateway import LiteLLMGateway

    gateway = LiteLLMGateway(made.providers, made.config.llm.request, environ=made.environ, mask=made.redactor.scrub)
    return gateway, gateway.count_tokens


def _choices(made: Setup) -> tuple[ProviderChoice, ...]:
    if made.demo:
        return tuple(ProviderChoice(name, entry.model) for name, entry in made.config.llm.providers.items())
    return tuple(
        ProviderChoice(
            name,
            provider.model,
            f"the environment variable {provider.missing_key_variable} is not set"
            if provider.missing_key_variable
            else "",
        )
        for name, provider in made.providers.items()
    )
