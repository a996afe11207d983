"""A Python file that decides and calls: the policy inside a program of one's own."""

from routellm_core.errors import DataError
from routellm_core.policy.document import Policy
from routellm_core.policy.export.base import ExportTarget, plain_file


def files(policy: Policy) -> dict[str, bytes]:
    """The file.

    Raises:
        DataError: a model is not served by an endpoint that speaks OpenAI's API.
    """
    for model in (policy.model_pair.weak, policy.model_pair.strong):
        if model.provider != "openai":
            raise DataError(
                f"{model.name} is served by {model.provider}, and this file speaks OpenAI's chat "
                "completions only: use the LiteLLM export, or an endpoint of that API"
            )
    return {"route.py": plain_file("route.py")}


TARGET = ExportTarget(
    name="python",
    title="Python",
    tested_with="",
    files=files,
    commands=("pip install -r requirements.txt", 'python route.py "How tall is a door?"'),
    variables=("WEAK_API_KEY", "WEAK_BASE_URL", "STRONG_API_KEY", "STRONG_BASE_URL"),
    extra_requirements=("openai",),
)
