#!/bin/sh
# Streamlit: st.stop() loses a click that came into a fragment while the script was running.
#
# Version   streamlit 1.67.0 (Python 3.11)
# Expected  A click in a fragment waits for the run in progress and is then handled, however that
#           run ends. So it is when the script runs to its end.
# Happens   st.stop() marks the runner as stopped, and that takes the place of the waiting request:
#           the fragment does not run again and no callback is called. In the browser the switch
#           stays switched and nothing follows. Likely in a script that draws a slow page and ends
#           with st.stop(), which is a common way to end a script early.
# Remedy    Let the script run to its end (return from a function), or raise
#           streamlit.runtime.scriptrunner.StopException, which ends the run and keeps the request.
# Seen (runs of the fragment; 2 where the click was handled)
#   to its end 2
#   by st.stop() 1
#   by StopException 2
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check streamlit==1.67.0
cd "$folder"
cat > check.py <<'PYTHON'
import sys

from streamlit.testing.v1 import AppTest


def script(ending):
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, StopException, get_script_run_ctx

    runs = st.session_state.setdefault("runs", [])

    @st.fragment
    def part():
        runs.append(1)

    part()
    # What the server does when somebody clicks in the fragment now.
    context = get_script_run_ctx()
    (fragment_id,) = context.shared.new_fragment_ids.snapshot()
    context.script_requests.request_rerun(RerunData(fragment_id=fragment_id))
    if ending == "by st.stop()":
        st.stop()
    if ending == "by StopException":
        raise StopException


found = {}
for ending in ("to its end", "by st.stop()", "by StopException"):
    at = AppTest.from_function(script, args=(ending,)).run()
    found[ending] = len(at.session_state["runs"])
    print(ending, found[ending])
sys.exit(list(found.values()) != [2, 1, 2])
PYTHON
"$folder/venv/bin/python" check.py 2>/dev/null
