"""5. What labs cost that only wait for their account: requests and CPU a minute."""
NAME = "waiting"
def ask(scale): raise NotImplementedError
def draw(axes, answer): pass
