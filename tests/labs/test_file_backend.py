"""A backend in a folder after a kill in the middle of a write. Real files."""

from pathlib import Path

from labs.file_backend import drop_broken_sidecars


def test_a_sidecar_that_was_cut_off_goes_and_everything_else_stays(tmp_path: Path) -> None:
    stacks, locks = tmp_path / ".pulumi/stacks/p", tmp_path / ".pulumi/locks/organization/p/dev"
    for folder in (stacks, locks):
        folder.mkdir(parents=True)
    for path, text in {
        stacks / "dev.json": "{}",
        stacks / "dev.json.attrs": "",
        stacks / "dev.json.bak.attrs": '{"md5": "x"}',
        stacks / "other.json.attrs": "",
        locks / "1.json.attrs": '{"md5"',
    }.items():
        path.write_text(text)
    gone = drop_broken_sidecars(tmp_path.as_uri(), "p", "dev")
    assert {path.name for path in gone} == {"dev.json.attrs", "1.json.attrs"}
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"dev.json", "dev.json.bak.attrs", "other.json.attrs"}


def test_a_backend_elsewhere_has_none() -> None:
    assert drop_broken_sidecars("s3://bucket", "p", "dev") == ()
