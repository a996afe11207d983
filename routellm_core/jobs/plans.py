"""Plans as JSON holds them: read back into their dataclass, or refused with the field's name."""

from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic_core import ErrorDetails, to_json

from routellm_core.errors import DataError
from routellm_core.files import read_json

_T = TypeVar("_T")
_WRONG = {
    "dataclass_type": "no table of fields",
    "dict_type": "no table of fields",
    "tuple_type": "no list",
    "string_type": "no text",
    "int_type": "no whole number",
    "float_type": "no number",
    "bool_type": "neither true nor false",
}


@dataclass(frozen=True)
class JobPlan:
    """The work that a job is to do; its fields are what JSON can hold."""

    kind: ClassVar[str]
    """One of `jobs.__main__.KINDS`: names the module that does it."""

    @classmethod
    def of(cls, document: Any) -> Self:
        """The plan that JSON holds.

        Raises:
            DataError: it is another kind of plan; the text names the field.
        """
        article = "an" if cls.kind[0] in "aeiou" else "a"
        return read_as(cls, document, f"this is no plan of {article} {cls.kind}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The plan in a JSON file.

        Raises:
            DataError: it cannot be read, or as `of`.
        """
        return cls.of(read_json(path))


def read_as(kind: type[_T], document: Any, refusal: str) -> _T:
    """The dataclass that `dataclasses.asdict`, or a person, wrote as JSON.

    Args:
        kind: a dataclass; those in its fields are read likewise.
        document: what JSON holds.
        refusal: how an error's text begins.

    Raises:
        DataError: a field is missing, unknown or of another type, or the dataclass refuses it.
    """
    try:
        reader: TypeAdapter[_T] = _reader(kind)  # type: ignore[arg-type]  # types are hashable
        return reader.validate_json(to_json(document))
    except ValidationError as error:
        problems = [_in_words(kind, problem) for problem in error.errors(include_url=False)]
        raise DataError(f"{refusal}: {'; '.join(problems)}") from None


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    # Strict: a number that is written as a text is a mistake.
    return TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True))(kind))


def _in_words(kind: type, problem: ErrorDetails) -> str:
    """One problem; the value itself, which may be a secret, is not in it."""
    place, what = problem["loc"], problem["type"]
    field = ".".join(map(str, place)) or "it"
    if what == "value_error":  # the dataclass's own
        return str(problem["ctx"]["error"])
    if what == "missing":
        return f"{field} is missing"
    if what == "unexpected_keyword_argument":
        return f"unknown {field!r}; there are: {_fields_at(kind, place[:-1])}"
    if what == "literal_error":
        expected = problem["ctx"]["expected"].replace("'", "")
        return f"{field} is {problem['input']!r}; use {expected}"
    return f"{field} is {_WRONG[what]}" if what in _WRONG else f"{field}: {problem['msg']}"


def _fields_at(kind: Any, place: tuple[int | str, ...]) -> str:
    """Names of the fields of a dataclass in a dataclass."""
    for name in place:
        hint = get_type_hints(kind)[str(name)]
        kind = next(filter(is_dataclass, get_args(hint)), hint)
    return ", ".join(sorted(field.name for field in fields(kind)))
