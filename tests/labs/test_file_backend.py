"""A backend in a folder after a kill in the middle of a write. Real files."""

from pathlib import Path

from vmc_account_link.recovery.file_backend import drop_broken_sidecars, remove_locks


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


def test_only_the_locks_that_were_named_are_removed(tmp_path: Path) -> None:
    dead, alive = tmp_path / "a b" / "1.json", tmp_path / "a b" / "2.json"
    dead.parent.mkdir()
    for path in (dead, alive):
        path.write_text("{}")
        path.with_name(f"{path.name}.attrs").write_text("{}")
    # The engine names its backend with the query that it was opened with.
    assert remove_locks((f"{dead.as_uri()}?no_tmp_dir=true",))
    assert {path.name for path in dead.parent.iterdir()} == {"2.json", "2.json.attrs"}


def test_locks_elsewhere_are_left_to_the_engine() -> None:
    assert not remove_locks(("s3://bucket/.pulumi/locks/organization/p/dev/1.json",))
    assert not remove_locks(())
