"""Short names of models for screens, as the core makes them."""

from routellm_core.wording.names import distinct_names, short_name

__all__ = ["distinct_names", "short_name"]
