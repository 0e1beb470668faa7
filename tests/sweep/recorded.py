"""The calls of a clean `up` and a clean `destroy`, in order; a test compares them with a run.

How often a wait polls follows from the times that `tests.sweep.stage` sets.
"""

UP = (
    ("aws", "sts.GetCallerIdentity"),
    ("csp", "exchange-token"),
    ("vmc", "list-connected-accounts"),
    ("vmc", "request-link"),
    ("template", "download-template"),
    ("aws", "cloudformation.CreateStack"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.GetTemplate"),
    ("vmc", "list-connected-accounts"),
    ("vmc", "get-task"),
    ("vmc", "list-connected-accounts"),
)
DESTROY = (
    ("csp", "exchange-token"),
    ("vmc", "list-connected-accounts"),
    ("vmc", "unlink"),
    ("vmc", "list-connected-accounts"),
    ("aws", "cloudformation.DeleteStack"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.DescribeStacks"),
)
