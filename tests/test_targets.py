"""Exports hold what they promise, run where they are put, and say what they cannot express."""

import ast
import asyncio
import copy
import importlib.util
import inspect
import io
import json
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from types import ModuleType, SimpleNamespace

import duckdb
import pytest
import yaml

from routellm_core.__main__ import main
from routellm_core.errors import DataError, NotTrainedError, UnknownNameError
from routellm_core.metrics.costs import Price
from routellm_core.metrics.thresholds import Target
from routellm_core.policy.build import ProviderNames, policy_of
from routellm_core.policy.choice import select_threshold
from routellm_core.policy.document import check_checkpoint, read_policy
from routellm_core.policy.export import TARGETS, export, export_zip, litellm, routellm
from routellm_core.policy.export.packing import requirements
from routellm_core.policy.runtime import RoutingPolicy
from routellm_core.routers import MEMBERS, ROUTERS
from tests.conftest import ROOT
from tests.invented import WordVectors
from tests.invented_policy import BENCHMARK, MOMENT, NAMED, made, some_queries
from tests.stub_endpoint import StubEndpoint

NUMERIC = [name for name in TARGETS if name != "semantic_router"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    found = made(tmp_path_factory.mktemp("target"), **NAMED)
    with found.store:
        yield found


def policy_at(here, share, **options):
    choice = select_threshold(here.store, BENCHMARK, "mf", Target("share", share), **options)
    return policy_of(choice, here.checkpoint, created_at=MOMENT, n_resamples=100, **NAMED)


@pytest.fixture(scope="module")
def never(here):
    return policy_at(here, 0.0)


def imported(path, monkeypatch):
    """A file of an export as a module of its own; what it does to sys.path is undone."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Every target


@pytest.mark.parametrize("target", NUMERIC)
def test_an_export_holds_policy_readme_and_what_it_runs(here, target, tmp_path):
    export(here.policy, target, tmp_path, here.checkpoint)
    assert read_policy(tmp_path).as_bytes() == here.policy.as_bytes()
    readme = (tmp_path / "README.md").read_text()
    for command in TARGETS[target].commands:
        assert command in readme
    assert len(TARGETS[target].commands) == 2
    for name in TARGETS[target].files(here.policy):
        assert (tmp_path / name).stat().st_size > 0
    if TARGETS[target].asks_router:
        assert (tmp_path / "mf-words" / "config.json").is_file()
        assert (tmp_path / "LICENSE").is_file()
        assert re.search(r"^torch==", (tmp_path / "requirements.txt").read_text(), re.M)


@pytest.mark.parametrize("target", NUMERIC)
def test_an_export_holds_no_key(here, target, tmp_path, monkeypatch):
    for name in ("WEAK_API_KEY", "STRONG_API_KEY", "LITELLM_MASTER_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "sk-very-secret")
    export(here.policy, target, tmp_path, here.checkpoint)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"sk-very-secret" not in path.read_bytes()


def test_what_runs_a_router_needs_its_checkpoint(here, tmp_path):
    with pytest.raises(DataError, match="name the folder of its checkpoint"):
        export(here.policy, "litellm", tmp_path)
    with pytest.raises(NotTrainedError, match="missing"):
        export(here.policy, "litellm", tmp_path, tmp_path / "nope")
    with pytest.raises(UnknownNameError, match="there are: litellm, routellm"):
        export(here.policy, "nope", tmp_path)


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_export_takes_the_place_of_another_targets(here, tmp_path):
    export(here.policy, "litellm", tmp_path, here.checkpoint)
    (tmp_path / "routellm_core" / "__pycache__").mkdir()
    (tmp_path / "routellm_core" / "__pycache__" / "x.pyc").write_bytes(b"")
    (tmp_path / "decisions.jsonl").write_text("{}")
    (tmp_path / "mf-words" / "notes.txt").write_text("my own")
    export(here.policy, "openai_request", tmp_path)
    left = {"README.md", "files.txt", "policy.json", "policy.schema.json"}
    assert files_in(tmp_path) == {
        *(*left, "request.sh", "request.py"),
        *("decisions.jsonl", "mf-words/notes.txt"),  # what somebody put there
    }


def test_a_retrained_router_with_fewer_files_takes_the_formers_place(here, tmp_path):
    checkpoint = tmp_path / "mf-words"
    shutil.copytree(here.checkpoint, checkpoint)
    (checkpoint / "more.bin").write_bytes(b"x")
    folder = tmp_path / "out"
    export(policy_of(here.choice, checkpoint, n_resamples=100), "python", folder, checkpoint)
    assert (folder / "mf-words" / "more.bin").is_file()
    (checkpoint / "more.bin").unlink()
    policy = policy_of(here.choice, checkpoint, n_resamples=100)
    export(policy, "python", folder, checkpoint)
    assert not (folder / "mf-words" / "more.bin").exists()
    again = RoutingPolicy.load(folder, embedder=WordVectors())
    assert again.route(some_queries(1)[0]).fallback_reason is None
    assert set((folder / "files.txt").read_text().splitlines()) == files_in(folder)
    # The checkpoint may be the very one that makes way.
    export(policy, "python", folder, folder / "mf-words")
    check_checkpoint(policy, folder / "mf-words")


@pytest.mark.parametrize("held", [["notes.txt"], ["policy.json", "routellm_core"], ["files.txt"]])
def test_a_folder_of_somebodys_own_is_refused_and_left_alone(here, tmp_path, held):
    for name in held:
        (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match="holds no export"):
        export(here.policy, "environment", tmp_path)
    assert files_in(tmp_path) == set(held)


def test_a_policys_own_folder_takes_its_export(here, tmp_path):
    (tmp_path / "policy.json").write_bytes(here.policy.as_bytes())
    export(here.policy, "environment", tmp_path)
    assert "policy.env" in files_in(tmp_path)


@pytest.mark.parametrize(
    "name", ["../precious", "{}/precious", "a/../../precious", "link/precious"]
)
def test_a_forged_list_of_files_takes_nothing_away_elsewhere(here, tmp_path, name):
    folder = tmp_path / "out"
    export(here.policy, "environment", folder)
    (tmp_path / "precious").write_text("kept")
    (folder / "link").symlink_to(tmp_path)
    (folder / "files.txt").write_text(f"README.md\n{name.format(tmp_path)}\n")
    before = files_in(folder)
    with pytest.raises(DataError, match="is not in it"):
        export(here.policy, "environment", folder)
    assert files_in(folder) == before
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_client_is_pinned_as_here_and_left_to_a_gateway_beside_it(here, tmp_path):
    pinned = re.search(r"^openai==\S+", (ROOT / "requirements.txt").read_text(), re.M)[0]
    export(here.policy, "python", tmp_path, here.checkpoint)
    assert pinned in (tmp_path / "requirements.txt").read_text().splitlines()
    both = requirements([TARGETS["python"], TARGETS["litellm"]]).splitlines()
    assert "openai" in both
    assert pinned not in both


@pytest.mark.parametrize(
    "name", ["[x](http://evil)", "<img src=x>", "a `b` | *c*", "www.evil.example"]
)
def test_no_name_is_read_as_markup_in_the_readme(here, name):
    pair = here.policy.model_pair
    hostile = here.policy.model_copy(
        update={
            "model_pair": pair.model_copy(
                update={"weak": pair.weak.model_copy(update={"name": name, "provider": "bedrock"})}
            ),
            "evidence": here.policy.evidence.model_copy(update={"title": name, "meaning": name}),
        }
    )
    with zipfile.ZipFile(io.BytesIO(export_zip(hostile, here.checkpoint))) as archive:
        readme = archive.read(f"{here.policy.policy_id}/README.md").decode()
    assert "is served by bedrock" in readme
    outside_code = re.sub(r"(?<!\\)`[^`\n]*`", "", readme)
    assert name not in outside_code
    shown = re.search("Python: (.*?) is served", readme)[1]
    assert not re.search(r"(?<!\\)[\[\]()<>`|*.:]", shown)
    assert shown.replace("\\", "") == name


def test_a_folder_that_cannot_be_written_is_a_sentence(here, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        export(here.policy, "environment", tmp_path / "file" / "x")


def test_the_zip_is_the_same_bytes_each_time_and_holds_all_that_can_be_expressed(here):
    packed = export_zip(here.policy, here.checkpoint)
    assert export_zip(here.policy, here.checkpoint) == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = {name.removeprefix(f"{here.policy.policy_id}/") for name in archive.namelist()}
        readme = archive.read(f"{here.policy.policy_id}/README.md").decode()
    assert {"litellm_config.yaml", "routellm_server.py", "route.py", "policy.env"} <= names
    assert {"policy.json", "policy.schema.json", "mf-words/config.json"} <= names
    assert "semantic_router.yaml" not in names
    assert "## Not expressible\n\n- vLLM semantic router: " in readme
    assert not any("__pycache__" in name or name.startswith(("/", "..")) for name in names)


def test_an_exported_folder_runs_without_this_project(here, tmp_path):
    packed = export_zip(here.policy, here.checkpoint)
    zipfile.ZipFile(io.BytesIO(packed)).extractall(tmp_path)
    folder = tmp_path / here.policy.policy_id
    imports = "import numpy as np\nfrom zlib import crc32\n\n\n"
    (folder / "words.py").write_text(imports + inspect.getsource(WordVectors))
    queries = some_queries(20)
    files, decisions = alone(
        folder,
        "from routellm_core import runtime; from words import WordVectors\n"
        "p = runtime.RoutingPolicy.load('.', embedder=WordVectors())\n"
        "print(json.dumps([p.route(q).calls_strong for q in sys.argv[1:]]))",
        *queries,
    )
    assert files
    assert all(file.startswith(str(folder)) for file in files)
    policy = RoutingPolicy(here.policy, _router(here))
    assert json.loads(decisions) == [policy.route(query).calls_strong for query in queries]


def alone(folder, code, *arguments):
    """Files of the core that a process in the folder loads, which sees no project and no store.

    Returns them with the last line that the code prints.
    """
    shown = "print([m.__file__ for n, m in sys.modules.items() if n.startswith('routellm_core')])"
    hidden = "sys.path = [p for p in sys.path if p == '' or 'packages' in p or 'python3' in p]"
    unneeded = "sys.modules |= dict.fromkeys(['duckdb', 'streamlit', 'ijson', 'openpyxl'])"
    script = f"import json, sys\n{hidden}\n{unneeded}\n{code}\n{shown}"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *_, said, files = ["", *done.stdout.splitlines()]
    return ast.literal_eval(files), said


def test_every_module_that_travels_can_be_imported_where_it_lands(here, tmp_path):
    """So none needs a module that was left behind, whichever router a checkpoint names."""
    export(here.policy, "python", tmp_path, here.checkpoint)
    paths = {name for name in files_in(tmp_path) if name.startswith("routellm_core/")}
    names = sorted(p.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for p in paths)
    calls = "".join(f"import_module({name!r})\n" for name in names)
    files, _ = alone(tmp_path, f"from importlib import import_module\n{calls}")
    assert {f"{tmp_path}/{path}" for path in paths} == set(files)
    for router in (ROUTERS | MEMBERS).values():
        module = router.split(":")[0].replace(".", "/")
        assert f"routellm_core/routers/{module}.py" in paths


def test_what_makes_policies_trains_or_imports_stays_at_home(here, tmp_path):
    export(here.policy, "python", tmp_path, here.checkpoint)
    packages = {path.name for path in (tmp_path / "routellm_core").iterdir()}
    at_home = {"store", "importing", "labelling", "evaluation", "training", "scoring", "explain"}
    assert not packages & {*at_home, "release", "commands", "__main__.py"}
    assert not (tmp_path / "routellm_core" / "policy" / "build.py").exists()


def _router(here):
    from routellm_core.routers import load_router

    return load_router(here.checkpoint, WordVectors())


# LiteLLM


def test_the_proxys_configuration_says_what_it_must(here):
    policy = policy_at(here, 0.4, prices=(Price(0.24, 0.24, "x"), Price(10.0, 30.0, "y")))
    document = yaml.safe_load(litellm.files(policy)["litellm_config.yaml"])
    weak, strong, alias = document["model_list"]
    assert weak["litellm_params"] == {
        "model": "openai/org/small-v1",
        "api_base": "os.environ/WEAK_BASE_URL",
        "api_key": "os.environ/WEAK_API_KEY",
        "input_cost_per_token": 2.4e-7,
        "output_cost_per_token": 2.4e-7,
    }
    assert strong["litellm_params"]["output_cost_per_token"] == 3e-5
    router = alias["litellm_params"]
    assert router["complexity_router_default_model"] == "strong"
    config = router["complexity_router_config"]
    assert config["classifier_fallback"] == "default_model"
    assert config["tiers"] == {"SIMPLE": ["weak"], "REASONING": ["strong"]}
    # What would otherwise overrule the policy or the request.
    assert config["escalation_keywords"] == []
    assert config["route_housekeeping_to_cheapest_tier"] is False
    assert config["max_tokens_from_tier_model"] is False
    assert document["general_settings"]["always_include_stream_usage"] is True


def test_an_unknown_price_is_left_out_and_a_named_provider_has_its_own_address(here):
    choice = select_threshold(here.store, BENCHMARK, "mf", Target("share", 0.4))
    policy = policy_of(
        choice,
        here.checkpoint,
        n_resamples=100,
        weak=ProviderNames("bedrock", "org.small"),
        strong=NAMED["strong"],
    )
    weak = yaml.safe_load(litellm.files(policy)["litellm_config.yaml"])["model_list"][0]
    assert weak["litellm_params"] == {
        "model": "bedrock/org.small",
        "api_key": "os.environ/WEAK_API_KEY",
    }
    with pytest.raises(DataError, match="small is served by bedrock"):
        TARGETS["python"].files(policy)


@pytest.mark.parametrize("name", ["1e5", "0o17", "y", "No", "null", "1_000", "2026-11-28"])
def test_a_name_is_a_text_to_every_reader_of_yaml(never, name):
    pair = never.model_pair
    weak = pair.weak.model_copy(update={"provider_name": name})
    policy = never.model_copy(update={"model_pair": pair.model_copy(update={"weak": weak})})
    written = TARGETS["semantic_router"].files(policy)["semantic_router.yaml"].decode()
    assert yaml.safe_load(written)["providers"]["defaults"]["model"] == name
    assert re.search(rf"""model: (["']){name}\1$""", written, re.M)


def test_the_readme_asks_for_no_address_of_a_provider_that_has_its_own(here, tmp_path):
    pair = here.policy.model_pair
    elsewhere = pair.weak.model_copy(update={"provider": "mistral"})
    policy = here.policy.model_copy(
        update={"model_pair": pair.model_copy(update={"weak": elsewhere})}
    )
    export(policy, "litellm", tmp_path, here.checkpoint)
    readme = (tmp_path / "README.md").read_text()
    config = (tmp_path / "litellm_config.yaml").read_text()
    for file in (readme, config.split("model_list")[1]):
        assert "WEAK_BASE_URL" not in file
        assert "STRONG_BASE_URL" in file


@pytest.fixture
def plugin(here, tmp_path, monkeypatch, word_vectors):
    """The exported plugin as LiteLLM loads it."""
    export(here.policy, "litellm", tmp_path, here.checkpoint)
    monkeypatch.setenv("ROUTELLM_DECISIONS", str(tmp_path / "decisions.jsonl"))
    return imported(tmp_path / "routellm_plugin.py", monkeypatch)


def classify(plugin, *messages):
    context = SimpleNamespace(structured_messages=messages, raw_messages=messages)
    return asyncio.run(plugin.classifier.classify(context))


def user(content):
    return {"role": "user", "content": content}


def test_the_plugin_gives_the_tier_that_the_policy_means(here, plugin, tmp_path):
    assert asyncio.iscoroutinefunction(plugin.classifier.classify)
    assert plugin.classifier is plugin.classifier
    assert copy.deepcopy({"classifier_plugin": plugin.classifier})  # as LiteLLM does
    policy = RoutingPolicy(here.policy, _router(here))
    queries = some_queries(40)
    tiers = [classify(plugin, user(query)) for query in queries]
    expected = [policy.route(query).calls_strong for query in queries]
    assert tiers == ["REASONING" if strong else "SIMPLE" for strong in expected]
    parts = [{"type": "text", "text": queries[0]}, {"type": "image_url", "image_url": {}}]
    assert classify(plugin, {"role": "system", "content": "x"}, user(parts)) == tiers[0]
    assert classify(plugin, {"role": "system", "content": "x"}) == "REASONING"
    lines = (tmp_path / "decisions.jsonl").read_text().splitlines()
    assert len(lines) == len(queries) + 2
    assert json.loads(lines[-1])["fallback_reason"] == "no text of the user to score"
    assert queries[0] not in "".join(lines)


def test_a_slow_router_does_not_stall_the_proxys_other_requests(here, plugin):
    gate = threading.Event()

    class Slow:
        def strong_win_rate(self, queries):
            gate.wait()

    slow = plugin.Classifier(RoutingPolicy(here.policy, Slow(), time_limit_s=0.2))

    async def both():
        context = SimpleNamespace(structured_messages=[user("say")])
        waiting = asyncio.create_task(slow.classify(context))
        await asyncio.sleep(0.01)
        assert not waiting.done()  # and this line is reached while it waits
        return await waiting

    assert asyncio.run(both()) == "REASONING"
    gate.set()


def test_the_plugin_calls_strong_at_once_where_the_router_is_stuck(here, plugin, tmp_path):
    gate = threading.Event()

    class Stuck:
        def strong_win_rate(self, queries):
            gate.wait()

    decisions = tmp_path / "stuck.jsonl"
    stuck = plugin.Classifier(RoutingPolicy(here.policy, Stuck(), time_limit_s=0.05), decisions)

    async def many(n):
        context = SimpleNamespace(structured_messages=[user("say")])
        return await asyncio.gather(*(stuck.classify(context) for _ in range(n)))

    threads = threading.active_count()
    assert asyncio.run(many(50)) == ["REASONING"] * 50
    assert asyncio.run(many(50)) == ["REASONING"] * 50
    assert threading.active_count() <= threads + 1
    reasons = [json.loads(line)["fallback_reason"] for line in decisions.open()]
    assert reasons == [
        *["no score within 0.05 s"] * 50,
        *["the router is stuck and was not asked"] * 50,
    ]
    gate.set()


def test_an_edited_policy_keeps_the_proxy_from_starting(here, tmp_path, monkeypatch, word_vectors):
    export(here.policy, "litellm", tmp_path, here.checkpoint)
    path = tmp_path / "policy.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 3'))
    plugin = imported(tmp_path / "routellm_plugin.py", monkeypatch)
    with pytest.raises(DataError, match="edited by hand"):
        plugin.classifier  # noqa: B018
    with pytest.raises(AttributeError):
        plugin.nothing  # noqa: B018


# RouteLLM


def test_routellms_name_carries_every_digit(here):
    name = routellm.model_name(here.policy)
    _, router, threshold = name.split("-", 2)
    assert router == "explorer_mf"
    assert float(threshold) == here.policy.threshold
    config = yaml.safe_load(routellm.files(here.policy)["routellm_config.yaml"])
    assert config == {"explorer_mf": {"policy": "policy.json"}}


def test_routellm_cannot_say_never_but_always(here, never):
    with pytest.raises(DataError, match="cannot be told never"):
        routellm.files(never)
    assert routellm.model_name(policy_at(here, 1.0)) == "router-explorer_mf-0.0"


def test_the_launcher_registers_a_router_that_scores_as_the_policy(
    here, tmp_path, monkeypatch, word_vectors
):
    export(here.policy, "routellm", tmp_path, here.checkpoint)
    known = ModuleType("routellm.routers.routers")
    known.Router, known.ROUTER_CLS, known.NAME_TO_CLS = object, {}, {}
    for name in ("routellm", "routellm.routers"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["routellm"].routers = sys.modules["routellm.routers"]
    sys.modules["routellm.routers"].routers = known
    monkeypatch.setitem(sys.modules, "routellm.routers.routers", known)
    server = imported(tmp_path / "routellm_server.py", monkeypatch)
    assert server.router_name() == "explorer_mf"
    server.register("explorer_mf")
    kind = known.ROUTER_CLS["explorer_mf"]
    assert known.NAME_TO_CLS[kind] == "explorer_mf"
    router = kind(policy="policy.json")
    query = some_queries(1)[0]
    rate = router.calculate_strong_win_rate(query)
    assert rate == pytest.approx(float(_router(here).strong_win_rate([query])[0]), abs=1e-6)
    assert router.calculate_strong_win_rate([{"type": "text", "text": query}]) == rate
    assert router.calculate_strong_win_rate([{"type": "image_url"}]) == 1.0


# The others


def test_the_semantic_router_gets_one_route_or_a_refusal(here, never):
    with pytest.raises(DataError, match="cannot compare a router's strong win rate"):
        TARGETS["semantic_router"].files(here.policy)
    for policy, model in ((never, "org/small-v1"), (policy_at(here, 1.0), "large-v2")):
        document = yaml.safe_load(TARGETS["semantic_router"].files(policy)["semantic_router.yaml"])
        assert document["providers"]["defaults"]["model"] == model
        assert [m["name"] for m in document["providers"]["models"]] == [model]
        assert document["routing"]["decisions"][0]["modelRefs"][0]["model"] == model


READ = re.compile(
    r"os\.environ/(\w+)|environ(?:\.get)?[\[(]\"(\w+)\"|\$\{?([A-Z_]+)|api_key_env: (\w+)"
    r"|environ(?:\.get)?[\[(]f\"\{side\}(\w+)\""
)


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "environment"])
def test_a_target_and_its_readme_name_every_variable_that_its_files_read(here, target, tmp_path):
    policy = policy_at(here, 1.0) if target == "semantic_router" else here.policy
    files = TARGETS[target].files(policy).values()
    found = {
        next(filter(None, groups)) for groups in READ.findall("".join(map(bytes.decode, files)))
    }
    read = {
        side + name for name in found for side in (("WEAK", "STRONG") if name[0] == "_" else ("",))
    }
    assert read == set(TARGETS[target].variables)
    export(policy, target, tmp_path, here.checkpoint)
    readme = (tmp_path / "README.md").read_text()
    assert set(re.findall(r"^- `(\w+)`: ", readme, re.M)) == read


def test_the_environment_names_every_variable_that_another_file_reads(here):
    text = TARGETS["environment"].files(here.policy)["policy.env"].decode()
    named = set(re.findall(r"^(\w+)=$", text, re.M))
    assert named == {name for target in TARGETS.values() for name in target.variables}
    assert all(line.startswith("#") or line.endswith("=") for line in text.splitlines())


def test_route_asks_the_chosen_model_at_its_own_address(here, tmp_path, monkeypatch, word_vectors):
    export(here.policy, "python", tmp_path, here.checkpoint)
    route = imported(tmp_path / "route.py", monkeypatch)
    policy = RoutingPolicy(here.policy, _router(here))
    queries = some_queries(8)
    with StubEndpoint() as weak, StubEndpoint() as strong:
        for side, stub in (("WEAK", weak), ("STRONG", strong)):
            monkeypatch.setenv(f"{side}_API_KEY", "none")
            monkeypatch.setenv(f"{side}_BASE_URL", stub.url)
        said = [route.answer(policy, query) for query in queries]
    called = {True: strong.seen, False: weak.seen}
    for (decision, text), query in zip(said, queries, strict=True):
        assert text == f"{decision.model} says so"
        assert query in [seen.text for seen in called[decision.calls_strong]]


# The command line


@pytest.fixture
def run(built_store, capsys):
    def run(*arguments):
        verb, *rest = arguments
        code = main([verb, "--store", str(built_store), *map(str, rest)])
        return code, *capsys.readouterr()

    return run


def test_a_policy_is_made_and_exported_on_the_command_line(run, tmp_path):
    file = tmp_path / "policies" / "policy.json"
    code, out, _ = run(
        *("policy", "--json", "--router", "mf", "--benchmark", "mmlu", "--pgr", 0.5),
        *("--weak-calls", "mixtral:8x7b", "--strong-provider", "azure", "--out", file),
    )
    assert code == 0
    made_policy = json.loads(out)["policy"]
    assert made_policy["evidence"]["strong_call_share"]["value"] == pytest.approx(0.3115, abs=5e-5)
    assert made_policy["model_pair"]["weak"]["provider_name"] == "mixtral:8x7b"
    assert made_policy["model_pair"]["strong"] == {
        "name": "gpt-4-1106-preview",
        "provider": "azure",
        "provider_name": "gpt-4-1106-preview",
    }
    assert made_policy["router"]["checkpoint"] == "mf-golden"
    code, out, _ = run("calibrate", "--json", "--router", "mf", "--benchmark", "mmlu", "--pgr", 0.5)
    assert json.loads(out)["threshold"] == made_policy["threshold"]
    code, out, _ = run("export", "--policy", file, "--target", "litellm", "--out", tmp_path / "out")
    assert code == 0
    assert "litellm --config litellm_config.yaml" in out
    assert (tmp_path / "out" / "mf-golden" / "config.json").is_file()
    code, _, err = run("export", "--policy", file, "--target", "semantic_router", "--out", tmp_path)
    assert code == 2
    assert "cannot compare" in err
    code, _, err = run("export", "--policy", "nope", "--target", "litellm", "--out", tmp_path)
    assert code == 2
    assert "no policy 'nope'; there are: none yet" in err


def test_a_negative_seed_and_an_alpha_that_is_no_chance_are_sentences(run, tmp_path):
    arguments = ("--router", "mf", "--benchmark", "mmlu", "--out", tmp_path / "p.json")
    for options, words in (
        (("--share", 0.3, "--seed", -1), "a seed of -1 draws nothing"),
        (("--alpha", 1.5), "outside [0, 1]"),
    ):
        code, _, err = run("policy", *arguments, *options)
        assert (code, words in err) == (2, True)
    assert not (tmp_path / "p.json").exists()


def test_two_policies_are_compared_on_the_command_line(run, tmp_path):
    arguments = ("--router", "mf", "--benchmark", "gsm8k", "--out", tmp_path / "p.json")
    assert run("policy", *arguments, "--share", 0.3)[0] == 0
    code, out, _ = run("policy", *arguments, "--share", 0.2, "--compare", tmp_path / "p.json")
    assert code == 0
    assert "chosen by, wanted: 0.3 → 0.2" in out
    assert "router" not in out.split("written to")[1]


def test_a_policy_is_kept_in_the_store_and_exported_from_there(tmp_path, built_store, capsys):
    store = tmp_path / "own.duckdb"
    store.write_bytes(built_store.read_bytes())
    arguments = ("--router", "mf", "--benchmark", "gsm8k", "--share", "0.3", "--keep", "--json")
    out_file = ("--out", str(tmp_path / "p.json"))
    assert main(["policy", "--store", str(store), *arguments, *out_file]) == 0
    policy_id = json.loads(capsys.readouterr().out)["policy"]["policy_id"]
    command = ["export", "--store", str(store), "--policy", policy_id, "--target", "environment"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "policy.json").read_bytes() == (tmp_path / "p.json").read_bytes()


@pytest.mark.parametrize(
    "target",
    [
        ("--quality", "99"),
        ("--alpha", "nan"),
        ("--budget-usd", "0.01", "--queries-per-month", "99999"),
        ("--budget-usd", "300"),
    ],
)
def test_a_target_that_cannot_be_met_makes_no_policy(run, tmp_path, target):
    code, _, err = run(
        *("policy", "--router", "mf", "--benchmark", "mmlu", *target, "--out", tmp_path / "p.json")
    )
    assert code == 2
    assert err.startswith("error: ")
    assert not (tmp_path / "p.json").exists()


def test_scores_that_tell_nothing_apart_make_a_policy_only_on_demand(built_store, tmp_path, run):
    store = tmp_path / "own.duckdb"
    store.write_bytes(built_store.read_bytes())
    with duckdb.connect(str(store)) as db:
        db.execute("UPDATE strong_win_rate SET strong_win_rate = 0.5 WHERE router_id = 'mf-golden'")
    made = ("policy", "--store", store, "--router", "mf", "--recipe", "golden")
    made = (*made, "--benchmark", "gsm8k", "--share", "0.3", "--out", tmp_path / "p.json")
    code, _, err = run(*made)
    assert code == 2
    assert re.search(r"mf gives all [\d,]+ queries the same score.* say --accept-far", err)
    code, out, _ = run(*made, "--accept-far")
    assert code == 0
    assert "Look: mf gives all" in out


def test_a_share_that_no_threshold_comes_near_names_the_nearest(built_store, tmp_path, run):
    store = tmp_path / "own.duckdb"
    store.write_bytes(built_store.read_bytes())
    with duckdb.connect(str(store)) as db:
        db.execute(
            "UPDATE strong_win_rate SET strong_win_rate = CASE WHEN hash(query_id) % 10 < 5 "
            "THEN 0.7 ELSE 0.3 END WHERE router_id = 'mf-golden'"
        )
    where = ("--store", store, "--router", "mf", "--recipe", "golden", "--benchmark", "gsm8k")
    code, out, _ = run("calibrate", *where, "--share", "0.3", "--json")
    assert code == 0
    said = json.loads(out)["warning"]
    assert re.search(
        r"2 different scores.*share of 30.0%: the nearest are 0.0% and [45]\d.\d%", said
    )
    code, out, _ = run("calibrate", *where, "--share", "1", "--json")
    assert json.loads(out)["warning"] is None
