"""Default rubrics: what a judge is told to look at."""

from typing import Literal

Mode = Literal["pairwise", "grade"]

DEFAULT_RUBRICS: dict[Mode, str] = {
    "pairwise": """\
Say which answer serves the person who asked better. Weigh in this order:
1. Is it right? A wrong fact, a wrong result or code that does not run outweighs everything below.
2. Does it do all that was asked, and keep to the form that was asked for?
3. Can the person follow and use it?
4. Is it free of padding?
Which answer comes first, how long it is and how sure it sounds count for nothing. If both serve
equally well, or both fail alike, it is a tie.""",
    "grade": """\
Grade how well the answer serves the person who asked, from 1 to 10:
10: right, complete, in the form that was asked for, easy to use.
8: right and complete, with blemishes that cost the person nothing.
6: mostly right; something asked for is missing or unclear.
4: a mistake or a gap that the person would have to repair.
2: mostly wrong, or beside what was asked.
1: wrong, empty, harmful, or refused without a reason.
Use the numbers between as well. Length and a sure tone count for nothing.""",
}
