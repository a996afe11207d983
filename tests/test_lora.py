"""A LoRA adapter on a causal model so small that a processor trains it in seconds."""

import numpy as np
import pytest

from routellm_core.embedders.sentence import weights_path
from routellm_core.routers import load_router, router_class
from routellm_core.routers.configs import CausalLLMConfig
from routellm_core.types import Battles, ModelPair

pytest.importorskip("peft")
PAIR = ModelPair(weak="small", strong="large")
QUERIES = [f"{'prove' if i % 2 else 'say'} it {i}" for i in range(120)]
HARD = np.arange(120) % 2 == 1


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """Random weights of a Llama of two layers, with the words of the default embedder."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaModel

    folder = tmp_path_factory.mktemp("backbone")
    tokenizer = AutoTokenizer.from_pretrained(str(weights_path("all-MiniLM-L6-v2")))
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = LlamaConfig(vocab_size=tokenizer.vocab_size, num_attention_heads=4, **sizes)
    LlamaModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def trained(backbone):
    n = len(QUERIES)
    sides = np.zeros(n, dtype=int), np.ones(n, dtype=int)
    battles = Battles(tuple(PAIR), np.arange(n), *sides, np.where(HARD, 0.0, 0.5))
    config = CausalLLMConfig(backbone=backbone, lora_rank=2, n_epochs=2, learning_rate=1e-2)
    kind = router_class("causal_llm")
    embedder = kind.default_embedder(config)
    told = []
    router = kind.fit(
        PAIR,
        embedder.embed(QUERIES),
        battles,
        seed=0,
        config=config,
        embedder=embedder,
        on_progress=told.append,
    )
    return router, told


def test_the_adapter_learns_and_reports_its_loss(trained):
    router, told = trained
    rates = router.strong_win_rate(QUERIES)
    assert rates[HARD].min() > rates[~HARD].max()
    losses = [p.loss for p in told]
    assert losses[-1] < losses[0]
    assert any(p.held_out_loss is not None for p in told)


def test_texts_and_states_give_the_same_win_rates(trained):
    router, _ = trained
    texts = np.array(QUERIES[:4], dtype=object)
    states = router.embedder.embed(QUERIES[:4])
    np.testing.assert_allclose(
        router.strong_win_rate_of(texts), router.strong_win_rate_of(states), atol=1e-6
    )


def test_the_checkpoint_is_the_same_form_with_an_adapter_beside_it(trained, tmp_path):
    router, _ = trained
    router.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "label_rows.safetensors",
        "adapter",
    }
    assert {path.name for path in (tmp_path / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    again = load_router(tmp_path)
    np.testing.assert_allclose(
        again.strong_win_rate(QUERIES[:5]), router.strong_win_rate(QUERIES[:5]), atol=1e-5
    )
