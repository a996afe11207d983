"""How does it run? The choice as a policy: its evidence, a replay, files for gateways, its history."""

from views import deploy
from views.frame import frame, selection

with frame("Deploy"):
    deploy.draw(selection())
