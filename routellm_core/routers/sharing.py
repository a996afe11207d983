"""One embedder for all routers that read alike, so that a model is loaded and asked once."""

from typing import Any


def reads_with(embedder: Any) -> tuple[Any, ...]:
    """Equal for embedders that make the same of a query."""
    options = (getattr(embedder, name, None) for name in ("name", "n_layers", "adapter_dir"))
    return (type(embedder), *options)


def shared(embedder: Any, known: dict[tuple[Any, ...], Any]) -> Any:
    """The embedder that stands for all that read as this one does, its parts and members too.

    Args:
        embedder: of a router; one that is made of others keeps its own list of them.
        known: by `reads_with`; what was not known is added.
    """
    for member in getattr(embedder, "members", {}).values():
        member.embedder = shared(member.embedder, known)
    if hasattr(embedder, "members"):
        return embedder  # its members have weights of their own
    if hasattr(embedder, "parts"):
        embedder.parts = tuple(shared(part, known) for part in embedder.parts)
    return known.setdefault(reads_with(embedder), embedder)
