"""Specs that are wrong, each with the line that says where and what. What is not shown is right."""

# ruff: noqa: E501, ISC004 - a table: an entry a line of the refusal

import textwrap

HEAD = """\
event: reinvent-2026
vmc: {orgId: 8120f1bc-8fa6-45fe-9ccd-70ce37730bb0}
"""
LABS = """\
labs:
  - name: team-01
    awsProfile: team-01
"""


def _labs(*entries: str) -> str:
    """A spec with these labs, of which each line is one entry: line 4 is the first."""
    return HEAD + "labs:\n" + "".join(f"  - {entry}\n" for entry in entries)


def _with(*lines: str) -> str:
    """A spec with these lines at the top level; line 3 is the first."""
    return HEAD + "".join(f"{line}\n" for line in lines) + LABS


BAD_SPECS: dict[str, tuple[str, tuple[str, ...]]] = {
    "an empty file": ("", ("1: it is not a spec: `event:` and `labs:` are needed",)),
    "a list": ("- name: team-01\n", ("1: it is not a spec: `event:` and `labs:` are needed",)),
    "no YAML": (HEAD + "labs: [\n", ("4: no YAML: expected the node content, but found '<stream end>'",)),
    "a tab": (HEAD + "labs:\n\t- name: a\n", ("4: no YAML: found character '\\t' that cannot start any token",)),
    "two documents": (
        HEAD + LABS + "---\na: 1\n",
        ("6: no YAML: but found another document",),
    ),
    "a key twice": (_with("backend: s3://a", "backend: s3://b"), ("4: backend: it is there twice",)),
    "a merge key": (
        _with("defaults:", "  <<: {ttl: 8h}"),
        ("4: defaults: `<<` is not read: put what labs share under `defaults`",),
    ),
    "a key that is not a text": (_with("1: a"), ("3: the key 1 is not a text: put it in quotes",)),
    "a file that is too large": ("a" * (4 * 1024 * 1024 + 1), ("1: the file is larger than 4 MiB",)),
    "a control character": (HEAD + "a: \x01\n", ("3: no YAML: the character '\\x01' can't be in it",)),
    "nested too deep": ("[" * 5000, ("1: no YAML: it is nested too deep",)),
    "a day that does not exist": (
        _with("backend: 2026-02-30"), ("3: backend: '2026-02-30' can't be read: put it in quotes",),
    ),
    "a key that is a day that does not exist": (
        _with("defaults:", "  2026-02-30: a"), ("4: defaults: '2026-02-30' can't be read: put it in quotes",),
    ),
    "a word that is neither true nor false": (
        _with("backend: !!bool perhaps"), ("3: backend: 'perhaps' can't be read: put it in quotes",),
    ),
    "a word that is no time": (
        _with("backend: !!timestamp now"), ("3: backend: 'now' can't be read: put it in quotes",),
    ),
    "labs that are no list": (HEAD + "labs: 7\n", ("3: labs: 7 is not a list",)),
    "tags that are no mapping": (
        _with("defaults: {tags: [a]}"), ("3: defaults.tags: ['a'] is not a mapping of keys",),
    ),
    "values as YAML has them, and long ones cut": (
        _with("defaults:", "  region: true", f"  sddcType: {'x' * 58}", f"  link: {'y' * 59}"),
        (
            "4: defaults.region: true is not text: put it in quotes",
            f"5: defaults.sddcType: '{'x' * 58}': input should be '1NODE', 'SingleAZ' or 'MultiAZ'",
            f"6: defaults.link: '{'y' * 58}…: input should be 'create' or 'existing'",
        ),
    ),
    "defaults that are no mapping": (_with("defaults: 8h"), ("3: defaults: '8h' is not a mapping of keys",)),
    "another organisation without its id": (
        "event: e\nlabs:\n  - name: a\n    vmc:\n      tokenVariable: X\n",
        ("4: labs[0].vmc.orgId: it is missing, and ORG_ID is not set: the VMC organisation's long id",),
    ),
    "a role whose range is too short": (
        _labs("{name: 'a-{1..3}', roleArn: 'arn:aws:iam::11111111111{1..2}:role/lab'}"),
        ("4: labs[0].roleArn: it stands for 2, the lab's name for 3",),
    ),
    "a Python object": (
        _with("backend: !!python/object:os.system x"),
        (
            "3: no YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'",
        ),
    ),
    "no event": (LABS, ("1: event: it is missing",)),
    "no labs": (HEAD, ("1: labs: it is missing",)),
    "an empty list of labs": (HEAD + "labs: []\n", ("3: labs: at least one lab is needed",)),
    "a key without a value": (_with("backend:"), ("3: backend: it is empty: give it a value, or remove the key",)),
    "an unknown key": (_with("backendd: s3://a"), ("3: backendd: there is no such key; did you mean backend?",)),
    "an unknown key of a lab": (
        _labs("{name: a, awsProfil: team-01}"),
        ("4: labs[0].awsProfil: there is no such key; did you mean awsProfile?",),
    ),
    "a key of another notation": (
        _labs("{name: a, aws_profile: team-01}"),
        ("4: labs[0].aws_profile: there is no such key; did you mean awsProfile?",),
    ),
    "a token": (
        _with("defaults:", "  apiToken: abc"),
        ("4: defaults.apiToken: there is no such key: secrets are never in a spec, export API_TOKEN instead",),
    ),
    "an event's name that is not valid": (
        "event: my event\nvmc: {orgId: 8120f1bc-8fa6-45fe-9ccd-70ce37730bb0}\n" + LABS,
        (
            "1: event: 'my event' can't be an event's name: letters, digits, `-`, `_` and `.`, beginning with a "
            "letter or digit",
        ),
    ),
    "an event's name that is too long": (
        f"event: {'e' * 40}\nvmc: {{orgId: 8120f1bc-8fa6-45fe-9ccd-70ce37730bb0}}\n" + LABS,
        (f"1: event: '{'e' * 40}' is longer than 39 characters",),
    ),
    "an event's name that is a number": (
        "event: 2026\nvmc: {orgId: 8120f1bc-8fa6-45fe-9ccd-70ce37730bb0}\n" + LABS,
        ("1: event: 2026 is not text: put it in quotes",),
    ),
    "a lab's name that is not valid": (
        _labs("{name: team/1}"),
        (
            "4: labs[0].name: 'team/1' can't be a name: letters, digits, `-`, `_` and `.`, beginning with a "
            "letter or digit",
        ),
    ),
    "a lab's name that is too long": (
        _labs(f"{{name: {'a' * 61}}}"), (f"4: labs[0].name: '{'a' * 61}' is longer than 60 characters",),
    ),
    "a lab's name twice": (
        _labs("{name: a, awsProfile: team-01}", "{name: a, awsProfile: team-02}"),
        ("5: labs[1].name: lab a is there twice",),
    ),
    "a lab's name that a pattern has made": (
        _labs("{name: 'team-{01..02}', awsProfile: '{name}'}", "{name: team-02}"),
        ("5: labs[1].name: lab team-02 is there twice",),
    ),
    "a pattern that runs backwards": (
        _labs("{name: 'team-{30..01}'}"),
        ("4: labs[0].name: 'team-{30..01}' runs backwards",),
    ),
    "a pattern with two ranges": (
        _labs("{name: 'a{1..2}b{1..2}'}"),
        ("4: labs[0].name: 'a{1..2}b{1..2}' has more than one range",),
    ),
    "a pattern for too many": (
        _labs("{name: 'team-{1..20000}'}"),
        ("4: labs[0].name: 'team-{1..20000}' stands for 20000 labs; 2000 are the most",),
    ),
    "a range that is none": (
        _labs("{name: 'team-{a..f}'}"),
        ("4: labs[0].name: 'team-{a..f}' has a malformed range: write it like team-{01..30}",),
    ),
    "a list of another length than the pattern": (
        _labs("{name: 'team-{01..02}', awsAccountId: ['111111111111']}"),
        ("4: labs[0].awsAccountId: it stands for 1, the lab's name for 2",),
    ),
    "a range of another length than the pattern": (
        _labs("{name: 'team-{01..02}', awsProfile: 'team-{01..03}'}"),
        ("4: labs[0].awsProfile: it stands for 3, the lab's name for 2",),
    ),
    "an account number that YAML takes for a number": (
        _labs("{name: a, awsAccountId: 111111111111}"),
        ("4: labs[0].awsAccountId: 111111111111 is a number to YAML: put the 12 digits in quotes",),
    ),
    "an account number with eleven digits": (
        _labs("{name: a, awsAccountId: '11111111111'}"),
        ("4: labs[0].awsAccountId: '11111111111' is not an AWS account number: 12 digits",),
    ),
    "account numbers in a list of lists": (
        _labs("{name: a, awsAccountId: [['111111111111']]}"),
        ("4: labs[0].awsAccountId: ['111111111111'] is not an AWS account number: 12 digits in quotes",),
    ),
    "an account thrice in one organisation": (
        _labs(
            "{name: a, awsProfile: team-01, awsAccountId: '111111111111'}",
            "{name: b, awsProfile: team-02, awsAccountId: '111111111111'}",
            "{name: c, awsAccountId: '111111111111'}",
        ),
        (
            "5: labs[1].awsAccountId: AWS account 111111111111 is lab a's already: an organisation holds one "
            "link for each account",
            "6: labs[2].awsAccountId: AWS account 111111111111 is lab a's already: an organisation holds one "
            "link for each account",
        ),
    ),
    "an account for a whole pattern": (
        _labs("{name: 'team-{01..02}', awsAccountId: '111111111111'}"),
        (
            "4: labs[0].awsAccountId: AWS account 111111111111 is lab team-01's already: an organisation holds "
            "one link for each account",
        ),
    ),
    "a profile twice": (
        _labs("{name: a, awsProfile: team-01}", "{name: b, awsProfile: team-01}"),
        (
            "5: labs[1].awsProfile: the account of these credentials is lab a's already: an organisation holds "
            "one link for each account",
        ),
    ),
    "two labs with the environment's credentials": (
        _labs("{name: a}", "{name: b}"),
        (
            "5: labs[1]: the account of these credentials is lab a's already: an organisation holds one link "
            "for each account",
        ),
    ),
    "one stack in one account for two organisations": (
        _labs(
            "{name: a, awsAccountId: '111111111111'}",
            "{name: b, awsAccountId: '111111111111', region: us-west-2, "
            "vmc: {orgId: 11111111-2222-3333-4444-555555555555}}",
        ),
        (
            "5: labs[1].awsAccountId: lab a has CloudFormation stack SDDC-Account-Link in AWS account 111111111111: set "
            "another stackName",
        ),
    ),
    "a profile that is not there": (
        _labs("{name: a, awsProfile: team-99}"),
        ("4: labs[0].awsProfile: there is no AWS profile 'team-99' (AWS_CONFIG_FILE, ~/.aws/config)",),
    ),
    "a profile by the account that is not there": (
        _labs("{name: a, awsProfile: 'team-{account}', awsAccountId: '111111111111'}"),
        ("4: labs[0].awsProfile: there is no AWS profile 'team-111111111111' (AWS_CONFIG_FILE, ~/.aws/config)",),
    ),
    "a profile with a range that is none": (
        _labs("{name: a, awsProfile: 'team-{01..}'}"),
        ("4: labs[0].awsProfile: 'team-{01..}' has a malformed range: write it like team-{01..30}",),
    ),
    "a brace that nothing opens": (
        _labs("{name: a, awsProfile: 'team-1}'}"),
        ("4: labs[0].awsProfile: 'team-1}': only {name}, {account} and a range like {01..30} are filled in",),
    ),
    "a role that is none": (
        _labs("{name: a, roleArn: 'arn:aws:iam::111:role/lab'}"),
        ("4: labs[0].roleArn: 'arn:aws:iam::111:role/lab' is not a role: arn:aws:iam::111111111111:role/name",),
    ),
    "a role of another account": (
        _labs("{name: a, roleArn: 'arn:aws:iam::222222222222:role/lab', awsAccountId: '111111111111'}"),
        ("4: labs[0].roleArn: the role is of account 222222222222, awsAccountId is 111111111111",),
    ),
    "a role of an account that is not named": (
        _labs("{name: a, roleArn: 'arn:aws:iam::{account}:role/lab'}"),
        ("4: labs[0].roleArn: {account} stands for awsAccountId, which is missing",),
    ),
    "a placeholder that is none": (
        _labs("{name: a, awsProfile: '{team}'}"),
        ("4: labs[0].awsProfile: '{team}': only {name}, {account} and a range like {01..30} are filled in",),
    ),
    "a duration without a unit": (
        _with("defaults: {ttl: 8}"),
        ("3: defaults.ttl: 8 is not a duration: write it with its unit",),
    ),
    "a duration that is none": (
        _with("defaults: {ttl: eight hours}"),
        ("3: defaults.ttl: 'eight hours' is not a duration: write it like 8h, 90m or 1d12h",),
    ),
    "a duration of nothing": (
        _with("defaults: {ttl: 0h}"),
        ("3: defaults.ttl: '0h' is not between 1s and ten years",),
    ),
    "no labs at a time": (
        _with("limits: {parallel: 0}"),
        ("3: limits.parallel: 0: input should be greater than or equal to 1",),
    ),
    "a backend that is none": (
        _with("backend: my-bucket"),
        ("3: backend: 'my-bucket' is not a Pulumi backend: s3://…, file://…, gs://…, azblob://…, https://…",),
    ),
    "a backend with a password": (
        _with("backend: https://me:secret@pulumi.example"),
        ("3: backend: a password is never in a spec: leave this out and set PULUMI_BACKEND_URL",),
    ),
    "a link that is neither created nor existing": (
        _with("defaults: {link: take}"),
        ("3: defaults.link: 'take': input should be 'create' or 'existing'",),
    ),
    "a word for yes": (
        _with("defaults: {unlinkOnDestroy: 'yes'}"),
        ("3: defaults.unlinkOnDestroy: 'yes' is not true or false",),
    ),
    "a text where a number is due": (
        _with("defaults: {linkTimeoutMinutes: soon}"),
        ("3: defaults.linkTimeoutMinutes: 'soon' is not a whole number",),
    ),
    "a tag of AWS's own": (
        _with("defaults: {tags: {'aws:x': y}}"),
        ("3: defaults.tags: aws:x is AWS's own: Choose a name that does not begin with aws:.",),
    ),
    "a tag that is a number": (
        _with("defaults: {tags: {cost: 12}}"),
        ("3: defaults.tags.cost: 12 is not text: put it in quotes",),
    ),
    "an organisation's short name": (
        "event: e\nvmc: {orgId: my org}\n" + LABS,
        ("2: vmc.orgId: 'my org' is not of the form ^[0-9A-Za-z-]{8,64}$",),
    ),
    "no organisation": ("event: e\n" + LABS, ("1: vmc.orgId: it is missing, and ORG_ID is not set: the VMC organisation's long id",)),
    "a service's URL without a scheme": (
        "event: e\nvmc: {orgId: 8120f1bc-8fa6-45fe-9ccd-70ce37730bb0, vmcUrl: vmc.vmware.com}\n" + LABS,
        ("2: vmc.vmcUrl: 'vmc.vmware.com' is not the URL of a service: https://host",),
    ),
    "a stack's name with a space": (
        _labs("{name: a, stackName: my link}"),
        (
            "4: labs[0].stackName: 'my link' is not of the form "
            r"^([A-Za-z]|\{name\})([A-Za-z0-9-]|\{name\}){0,127}$",
        ),
    ),
    "a stack's name that a lab's name spoils": (
        HEAD + "defaults: {stackName: 'link-{name}'}\nlabs: [{name: team_1}]\n",
        (
            "3: defaults.stackName: 'link-team_1' is not valid: Set up to 128 letters, digits and hyphens, a letter first.",
        ),
    ),
    "subnets for an SDDC in no region": (
        HEAD + "defaults:\n  sddcType: MultiAZ\nlabs: [{name: a}]\n",
        (
            "4: defaults.sddcType: it needs a region of subnets, and none is set: Set subnetRegion "
            "too, or remove it.",
        ),
    ),
    "a new link for an existing one": (
        _labs("{name: a, link: existing, relink: again}"),
        (
            "4: labs[0].relink: an existing link is renewed where it was made: Remove it (`pulumi config rm "
            "relink`).",
        ),
    ),
    "a policy with an unknown key": (
        _with("defaults: {templatePolicy: {types: [a]}}"),
        ("3: defaults.templatePolicy.types: there is no such key",),
    ),
    "a region that is none": (
        _with("defaults: {region: Oregon}"),
        (r"3: defaults.region: 'Oregon' is not of the form ^[a-z]{2}(-[a-z]+)+-\d$",),
    ),
    "a subnet's region that is a number": (
        _with("defaults: {subnetRegion: 2}"),
        ("3: defaults.subnetRegion: 2 is not text: put it in quotes",),
    ),
    "three things wrong at once": (
        _labs("{name: a, awsAccountId: '1'}", "{name: b, colour: red}", "{name: c, ttl: soon}"),
        (
            "4: labs[0].awsAccountId: '1' is not an AWS account number: 12 digits",
            "5: labs[1].colour: there is no such key",
            "6: labs[2].ttl: 'soon' is not a duration: write it like 8h, 90m or 1d12h",
        ),
    ),
}  # fmt: skip
"""What is wrong with it -> the text, and the lines of the refusal without the file's name."""

GOOD_SPEC = HEAD + textwrap.dedent("""\
    backend: s3://my-state-bucket?region=us-east-1
    secretsProvider: awskms://alias/pulumi
    defaults:
      tags: {owner: workshop, room: B}
      ttl: 8h
      owner: workshop
      linkTimeoutMinutes: 45
      templatePolicy: {trustedAccounts: ["111111111111"]}
    limits: {parallel: 6, startJitter: 2s}
    labs:
      - name: team-{01..02}
        awsProfile: "{name}"
        awsAccountId: "2000000000{01..02}"
        stackName: Link-{name}
        tags: {room: A}
      - name: spare
        roleArn: arn:aws:iam::{account}:role/lab
        awsAccountId: "333333333333"
        ttl: 1d12h
        vmc: {orgId: 11111111-2222-3333-4444-555555555555, tokenVariable: SPARE_TOKEN}
    """)
