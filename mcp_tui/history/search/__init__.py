"""Search over everything that was ever said, called and returned.

The index is a SQLite database in the cache directory, made from the logs and nothing else: it can be deleted at any
moment, by anybody, and is never trusted over a file.

``hits``       what a search gives back
``query``      the language of a search
``words``      text as words, and matches in a text
``snippets``   the line that is shown of a hit
``index``      the index as the engine uses it
``lookup``     from a query to hits
``process``    the app's side of the indexer
``indexer``    the process that keeps the index up to date
``building``   what has to be read, and writing it in batches
``gathering``  from events to what is indexed for them
``extract``    what of an event is searched
``files``      reading the logs for it
``database``   where the index is, its tables, opening it
"""

from mcp_tui.history.search.hits import KINDS, HitKind, IndexState, SearchHit, SearchPage
from mcp_tui.history.search.index import SearchIndex
from mcp_tui.history.search.query import EXAMPLES, Filter, Query, Term, parse_query

__all__ = [
    "EXAMPLES",
    "KINDS",
    "Filter",
    "HitKind",
    "IndexState",
    "Query",
    "SearchHit",
    "SearchIndex",
    "SearchPage",
    "Term",
    "parse_query",
]
