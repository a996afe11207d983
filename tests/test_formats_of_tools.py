"""The real evaluation tools against a stub, and what is read of what they write.

`make test-formats` builds their environments. The kept outputs are in `test_format_fixtures`.
"""

import pytest

from tests.fixtures.make_formats import TOOLS, made, version
from tests.fixtures.outputs import OUTPUTS, differences
from tests.fixtures.quiz import QUESTIONS

pytestmark = pytest.mark.slow
SLACK_S = 0.5


@pytest.fixture(scope="module", params=TOOLS)
def outputs(request, tmp_path_factory):
    """A tool, and the folder with its outputs on all questions."""
    if not version(request.param):
        pytest.skip("make test-formats builds it")
    return request.param, made(request.param, tmp_path_factory.mktemp(request.param))


def test_what_a_tool_writes_is_read_as_what_the_stub_answered(outputs):
    tool, folder = outputs
    found = {
        output.files: [*differences(folder, output, range(len(QUESTIONS)), SLACK_S)]
        for output in OUTPUTS
        if output.tool == tool
    }
    assert not any(found.values()), found
