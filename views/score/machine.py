"""The device that models run on here."""

import math

import streamlit as st

from routellm_core.embedders import devices
from routellm_core.wording.numbers import gpu_memory
from views.text.escape import plain


def draw() -> None:
    """The device, its precision and why; what stands in the way, if anything does."""
    if not st.toggle("What the models run on", key="_machine"):
        return  # asking loads torch
    device = devices.device()
    memory = device.memory_used()
    held = "" if math.isnan(memory) else f" {gpu_memory(memory)} in use by this page."
    st.caption(
        plain(
            f"{device.name}, {device.precision}: {device.reason}.{held} "
            f"{devices.VARIABLE}=cuda, mps or cpu, set before the dashboard starts, asks for "
            "another."
        )
    )
