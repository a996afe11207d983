"""The public door of a policy that decides: `from routellm_core.runtime import RoutingPolicy`."""

from routellm_core.policy.runtime import Decision, RoutingPolicy

__all__ = ["Decision", "RoutingPolicy"]
