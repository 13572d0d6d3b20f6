from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain import facts as f
from shared.domain.bundle import Inspected
from shared.domain.errors import BundleFault, Conflict, NoSuchStep, NotFound, Permanent, Temporary
from shared.domain.faults import Fault
from shared.domain.release import Scores, Stage, Verdict
from shared.engine.advance import advance, tell
from shared.engine.retrieve import requeue
from tests.world import World, bundle

WRONG = Fault("MG101", "it is broken", "mend it")


@pytest.fixture
def world():
    return World()


def stages(release):
    return [line.stage.value for line in release.history if line.fact not in {"MailSent", "TakenDown"}]


def test_a_good_bundle_passes_through_every_stage_and_its_submitter_is_told_twice(world):
    release = world.release(world.drop())
    world.run()
    release = world.release(release.id)
    way = ["validating", "registering", "registering", "building", "deploying", "smoke_testing", "scoring", "evaluating", "passed"]
    assert stages(release) == way
    assert world.mails() == ["RECEIVED", "PASSED"]


def test_a_bundle_below_its_limit_fails_and_that_is_no_error(world):
    world.work.result = Scores({"r2": 0.1}, {}, 100, 0)
    ident = world.drop()
    world.run()
    assert world.release(ident).verdict is Verdict.FAILED
    assert world.mails() == ["RECEIVED", "FAILED"]


def test_a_misspelt_metric_fails_closed_and_says_what_was_meant(world):
    world.work.result = Scores({"r2_score": 0.9}, {}, 100, 0)
    ident = world.drop()
    world.run()
    assert "did you mean r2_score?" in world.release(ident).reasons[0]


def test_a_refused_bundle_is_never_registered(world):
    world.bundles.otherwise = Inspected(None, (WRONG,), name="x", submitter="ana@example.com")
    ident = world.drop()
    world.run()
    assert world.release(ident).stage is Stage.INVALID
    assert world.registry.models == {}
    assert world.mails() == ["INVALID"]


def test_the_same_event_again_starts_nothing(world):
    first = world.drop()
    assert world.tell("diabetes.zip") == first
    world.run()
    assert world.tell("diabetes.zip") == first
    assert len(world.store.saved) == 1


def test_the_same_bundle_under_another_name_repeats_the_verdict(world):
    first = world.drop()
    world.run()
    second = world.drop("again.zip")
    world.run()
    release = world.release(second)
    assert (release.stage, release.same_as, release.verdict) == (Stage.DUPLICATE, first, Verdict.PASSED)
    assert len(world.registry.models) == 1


def test_a_forced_bundle_is_judged_anew(world):
    world.drop()
    world.run()
    world.bundles.said["http://memory.localhost/model-drop/again.zip"] = {"force": "true"}
    second = world.drop("again.zip")
    world.run()
    assert (world.release(second).stage, world.release(second).version) == (Stage.PASSED, 2)


def test_a_version_that_somebody_else_took_makes_room_for_the_next(world):
    world.registry.models["diabetes", 1] = "somebody else's"
    ident = world.drop()
    world.run()
    assert world.release(ident).version == 2


def test_a_fault_of_the_bundle_while_serving_ends_as_invalid_with_that_fault(world):
    def no(_release):
        raise BundleFault(WRONG)

    world.work.deploy = no
    ident = world.drop()
    world.run()
    assert (world.release(ident).verdict, world.release(ident).faults[0].code) == (Verdict.INVALID, "MG101")


def test_a_temporary_trouble_is_tried_again_later_and_forgotten(world):
    tries = []

    def flaky(_release):
        tries.append(world.clock.now())
        if len(tries) < 4:
            raise Temporary("busy")
        return world.work.image

    world.work.build = flaky
    ident = world.drop()
    world.run()
    assert world.release(ident).verdict is Verdict.PASSED
    assert len(tries) == 4
    assert tries[-1] - tries[0] > timedelta(seconds=2)


@pytest.mark.parametrize("trouble", [Permanent("no quota"), Temporary("busy"), ZeroDivisionError("a bug")])
def test_trouble_that_stays_ends_as_an_error_with_a_dead_letter(world, trouble):
    def no(_release):
        raise trouble

    world.work.build = no
    ident = world.drop()
    world.run()
    assert world.release(ident).verdict is Verdict.ERROR
    assert [letter.effect for letter in world.letters.list()] == ["BuildImage"]
    assert world.mails()[-1] == "ERROR"


def test_a_dead_letter_can_be_brought_on_its_way_again(world):
    build = world.work.build

    def no(_release):
        raise Permanent("no quota")

    world.work.build = no
    ident = world.drop()
    world.run()
    world.work.build = build
    requeue(world.letters.list()[0].key, "op", world.ports)
    world.run()
    assert world.release(ident).verdict is Verdict.PASSED
    assert world.letters.list() == []


def test_a_mail_that_cannot_be_sent_lies_with_the_dead_letters_and_the_verdict_stands(world):
    send = world.mailer.send

    def no(_mail):
        raise Permanent("no such mailbox")

    world.mailer.send = no
    ident = world.drop()
    world.run()
    assert world.release(ident).verdict is Verdict.PASSED
    world.mailer.send = send
    for letter in world.letters.list():
        requeue(letter.key, "op", world.ports)
    world.run()
    assert sorted(world.mails()) == ["PASSED", "RECEIVED"]


def test_a_wait_that_never_ends_expires_with_a_mail(world):
    world.work.slow["score"] = 10**6
    ident = world.drop()
    world.run(hours=1)
    world.clock.pass_(timedelta(hours=2))
    world.sweep()
    world.run()
    assert (world.release(ident).stage, world.release(ident).verdict) == (Stage.EXPIRED, Verdict.ERROR)
    assert world.mails()[-1] == "EXPIRED"


def test_a_lost_message_is_sent_again_by_the_sweep(world):
    ident = world.drop()
    world.queue.heap.clear()
    world.sweep()
    world.run()
    assert world.release(ident).verdict is Verdict.PASSED


def test_an_upload_whose_event_is_lost_is_found_by_the_sweep(world):
    world.bundles.put("http://memory.localhost/model-drop/quiet.zip", "0x9")
    world.sweep()
    world.run()
    assert [release.stage for release in map(world.release, world.store.saved)] == [Stage.PASSED]


def test_an_event_that_comes_before_its_stage_is_kept_for_it(world):
    world.work.slow["build"] = 3
    ident = world.drop()
    while world.release(ident).stage is not Stage.BUILDING:
        perform_one(world)
    advance(ident, f.RunEnded(f"mg-{ident}-1", succeeded=True), world.ports)
    world.work.slow["score"] = 10**6
    world.run()
    assert world.release(ident).verdict is Verdict.PASSED


def perform_one(world):
    from shared.engine.perform import perform

    message = world.queue.take()
    assert message is not None
    perform(*message, world.ports)


def test_an_event_with_an_unknown_key_moves_nothing(world):
    tell("run:nobody", f.RunEnded("nobody", succeeded=True), world.ports)
    assert world.store.saved == {}


def test_a_person_is_told_that_a_step_does_not_exist(world):
    ident = world.drop()
    world.run()
    with pytest.raises(NoSuchStep):
        advance(ident, f.CancelAsked("ana"), world.ports, person=True)


def test_a_cancelled_release_does_no_more_work(world):
    world.work.slow["build"] = 10**6
    ident = world.drop()
    perform_one(world)
    advance(ident, f.CancelAsked("ana"), world.ports, person=True)
    world.work.slow["build"] = 0
    world.run()
    release = world.release(ident)
    assert (release.stage, release.verdict, release.image) == (Stage.CANCELLED, Verdict.CANCELLED, None)


def test_a_cluster_release_never_has_an_endpoint(world):
    world.bundles.otherwise = Inspected(bundle(target="cluster"), (), "d1")
    ident = world.drop()
    world.run()
    assert "deploying" not in stages(world.release(ident))
    assert world.release(ident).verdict is Verdict.PASSED


def test_nothing_runs_any_more_after_the_verdict(world):
    world.drop()
    world.run()
    assert world.work.up == set()
    assert not any(saved.open for saved in world.store.saved.values())


def test_work_that_ends_after_a_cancel_leaves_nothing_running(world):
    ident = world.drop()
    deploy = world.work.deploy

    def slow(release):
        advance(ident, f.CancelAsked("ana"), world.ports, person=True)
        return deploy(release)

    world.work.deploy = slow
    perform_one(world)
    assert world.release(ident).stage is Stage.CANCELLED
    assert world.work.up == set()


@pytest.mark.parametrize("trouble", [Conflict("it was changed while it waited to be read."), NotFound("it was removed")])
def test_a_drop_that_is_replaced_before_it_is_read_ends_quietly(world, trouble):
    def no(_drop):
        raise trouble

    world.bundles.inspect = no
    ident = world.drop()
    world.run()
    assert (world.release(ident).stage, world.mails(), world.letters.list()) == (Stage.CANCELLED, [], [])


def test_what_became_of_a_mail_finds_its_release(world):
    ident = world.drop()
    world.run()
    (mail, *_) = world.mailer.sent
    tell(f"mail:{mail}", f.MailReported("Bounced", "ana@example.com"), world.ports)
    assert world.release(ident).history[-1].reason == "Bounced: ana@example.com"
