"""Question inside a prompt as a model got it: with marks of a chat template, or examples."""

import re

_TURN = re.compile(
    r"<\|im_start\|>user\s*\n(?P<chatml>.*?)(?:<\|im_end\|>|\Z)"
    r"|<\|start_header_id\|>user<\|end_header_id\|>\s*(?P<llama>.*?)(?:<\|eot_id\|>|\Z)"
    r"|<start_of_turn>user\s*\n(?P<gemma>.*?)(?:<end_of_turn>|\Z)"
    r"|<\|(?:user|User)\|>\s*(?P<phi>.*?)(?:<\|(?:end|assistant|Assistant|endoftext)\|>|\Z)"
    r"|<｜User｜>(?P<deepseek>.*?)(?:<｜Assistant｜>|\Z)"
    r"|\[INST\](?P<mistral>.*?)(?:\[/INST\]|\Z)"
    r"|<\|start\|>user<\|message\|>(?P<harmony>.*?)(?:<\|end\|>|\Z)",
    re.DOTALL,
)
_SYSTEM = re.compile(r"<<SYS>>.*?<</SYS>>", re.DOTALL)


def without_template(prompt: str) -> str:
    r"""The last user turn of a prompt that a chat template was applied to; else the prompt itself.

    >>> without_template("<|im_start|>user\nWho rows?<|im_end|>\n<|im_start|>assistant\n")
    'Who rows?'
    """
    turns = [next(filter(None, turn.groups()), "") for turn in _TURN.finditer(prompt)]
    return (_SYSTEM.sub("", turns[-1]).strip() if turns else "") or prompt


def without_examples(prompt: str, shots: int) -> str:
    r"""The question behind the examples, where blank lines part them evenly; else the whole.

    >>> without_examples("Q: one?\nA: two\n\nQ: Who rows?\nA:", 1)
    'Q: Who rows?\nA:'
    """
    parts = prompt.split("\n\n")
    each = len(parts) // (shots + 1)
    return "\n\n".join(parts[-each:]).strip() if each else prompt
