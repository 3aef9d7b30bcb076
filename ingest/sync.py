"""The write path: files → documents → chunks → vectors → a staged generation → commit."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from ingest.engines import open_engine
from ingest.files.git_dates import git_dates
from ingest.files.scan import FolderScan, scan_knowledge
from ingest.golden.exposure import check_exposure
from ingest.golden.gate import Gate, GoldenResult, check_golden_loss, recent_questions
from ingest.golden.questions import GoldenFile, golden_file
from ingest.sources.copies import current_copy, page_addresses, pages_passed_over
from ingest.staging.cutting import Cutting
from ingest.staging.deletion_guard import (
    check_same_folder,
    documents_to_keep,
    hold_back_deletions,
    lost_documents,
)
from ingest.staging.document_cutter import pipeline_fingerprint
from ingest.staging.edited_moves import CutTexts, release_edited_moves
from ingest.staging.engine import Engine
from ingest.staging.failed_documents import FailedDocuments
from ingest.staging.layout import layout_of
from ingest.staging.lease import CheckLease, write_lease
from ingest.staging.moves import find_moves, stage_moves
from ingest.staging.pipeline import Pipeline
from ingest.staging.plan import OnPlan, Plan, make_plan
from ingest.staging.progress_meter import ProgressMeter
from ingest.staging.recovery import recover
from ingest.staging.report import BEFORE_THE_PLAN, IngestReport, OnProgress
from ingest.staging.staging import Staging
from rag.models.embedders.protocol import Embedder
from rag.rights import Rights
from rag.settings import Settings
from rag.store.failpoints import reach_failpoint
from rag.store.records import Commit, DocumentRecord
from rag.store.snapshot import Snapshot
from rag.store.store import Store

_BYTES_OF_A_CHUNK = 1000
_NO_RIGHTS: Mapping[str, Rights] = MappingProxyType({})


def ingest(  # noqa: PLR0913  (the options of an ingest)
    settings: Settings,
    store: Store,
    embedder: Embedder,
    *,
    verify: bool = False,
    allow_mass_deletion: bool = False,
    force: bool = False,
    rights: Mapping[str, Rights] = _NO_RIGHTS,
    on_plan: OnPlan = lambda plan: None,
    on_progress: OnProgress = lambda progress: None,
) -> IngestReport:
    """Bring the store in line with the knowledge folder and return what was done.

    A folder that is a copy of a repository is brought up to date first. Readers see the old generation until the last
    moment. Only what changed is embedded. A document that cannot be read keeps its old version and is named in the
    report. If too many documents are gone, they stay live unless `allow_mass_deletion`. With `verify`, files are
    compared by content and failed documents tried again; with `force`, a generation goes live even if golden questions
    are lost, or keys, whose `rights` are given by name, would see what they must not.

    Raises KnowledgeError (folder missing, empty, or not the one that the index was made from; golden questions lost),
    SourceError, StoreError, EmbedderError, StateUnavailable or what `open_engine` raises; nothing has changed then.
    """
    started = time.monotonic()
    with ExitStack() as opened:
        check_lease, label = opened.enter_context(_writing(settings, store, on_progress))
        found, golden = scan_knowledge(settings.knowledge, store.knowledge_base), golden_file(settings.knowledge.path)
        check = partial(check_exposure, () if force else golden.must_not_see, rights)
        recent = () if force else recent_questions(settings, store.knowledge_base)
        engine = opened.enter_context(open_engine(settings, embedder))
        staging = _begin_staging(store, engine.embedder, settings.retrieval.mode, check_lease)
        documents, live = staging.live_documents(), staging.live
        plan = _plan(settings, store, engine.embedder, found, documents, live, verify=verify, lose=allow_mass_deletion)
        on_plan(plan)
        report = IngestReport.of(plan, found, pages_passed_over(settings.knowledge))
        opened.enter_context(staging.importing(plan.bytes_to_read // _BYTES_OF_A_CHUNK))
        if _stage(plan, staging, documents, engine, settings, report, on_progress, tries_all=verify):
            live = _gate(staging, report, golden, recent, Gate(store, engine.embedder, settings), check, force=force)
            staging.commit(replace(live, label=label), keep=settings.store.keep_generations)
        elif staging.resumed or report.failures:
            recover(store)  # what was kept for staging goes, too
        elif live:
            check(store.snapshot_of(live))
    report.describe(live, seconds=time.monotonic() - started)
    return report


@contextmanager
def _writing(settings: Settings, store: Store, on_progress: OnProgress) -> Iterator[tuple[CheckLease, str]]:
    """Hold the right to write, and the folder of documents as it is now; yield the commit that this is a copy of."""
    knowledge = settings.knowledge
    with (
        write_lease(store) as check_lease,
        current_copy(knowledge, store.knowledge_base, lambda: on_progress(BEFORE_THE_PLAN)) as label,
    ):
        yield check_lease, label


def preview(
    settings: Settings, store: Store, embedder: Embedder, *, verify: bool = False, allow_mass_deletion: bool = False
) -> Plan:
    """Return what `ingest` would do; do nothing but fetch the documents if they are elsewhere. Raises as `ingest`."""
    with current_copy(settings.knowledge, store.knowledge_base), open_engine(settings, embedder) as engine:
        found, state = scan_knowledge(settings.knowledge, store.knowledge_base), store.state()
        documents, live = (store.snapshot().documents(), state.live) if state else ({}, None)
        lose = allow_mass_deletion
        return _plan(settings, store, engine.embedder, found, documents, live, verify=verify, lose=lose)


def pending_changes(settings: Settings, store: Store) -> Plan:
    """Return what changed in the folder since the live generation, whichever embedder is configured now.

    Raises KnowledgeError if the folder is missing or empty.
    """
    manifest = store.snapshot().documents() if store.state() else {}
    fingerprints = (record.pipeline_fingerprint for record in manifest.values())
    return make_plan(
        scan_knowledge(settings.knowledge, store.knowledge_base),
        manifest,
        # A document that could not be read has none.
        pipeline_fingerprint=next(filter(None, fingerprints), ""),
        max_bytes=settings.knowledge.max_file_bytes,
    )


def _begin_staging(store: Store, embedder: Embedder, mode: str, check_lease: CheckLease) -> Staging:
    """Start a new generation, after removing what an interrupted run left except for chunks that can be reused."""
    store.connect()  # creates a missing database file, but not for a folder without documents
    resumed = recover(store, kept_layout=layout_of(store, embedder, mode))
    reach_failpoint("recovered")
    return Staging(store, embedder, mode=mode, check_lease=check_lease, resumed=resumed)


def _plan(
    settings: Settings,
    store: Store,
    embedder: Embedder,
    found: FolderScan,
    documents: Mapping[str, DocumentRecord],
    live: Commit | None,
    *,
    verify: bool,
    lose: bool,
) -> Plan:
    """`documents` are those of the `live` generation, of which the plan may `lose` many.

    Raises KnowledgeError if it is that of another folder.
    """
    is_fresh = live is None or live.layout != layout_of(store, embedder, settings.retrieval.mode)
    max_bytes, fingerprint = settings.knowledge.max_file_bytes, pipeline_fingerprint(settings, embedder)
    plan = make_plan(
        found,
        {} if is_fresh else documents,
        pipeline_fingerprint=fingerprint,
        max_bytes=max_bytes,
        verify=verify,
        live=documents if is_fresh else None,
    )
    if live and not lose:
        lost = lost_documents(found, documents, max_bytes=max_bytes)
        check_same_folder(lost, live, _root(settings), store.knowledge_base)
        plan = hold_back_deletions(plan, lost, live)
    if is_fresh or settings.knowledge.web_url:  # a page of a web site has another address under another path
        return plan
    return find_moves(plan, documents, pipeline_fingerprint=fingerprint, max_bytes=max_bytes)


def _stage(
    plan: Plan,
    staging: Staging,
    documents: Mapping[str, DocumentRecord],
    engine: Engine,
    settings: Settings,
    report: IngestReport,
    on_progress: OnProgress,
    *,
    tries_all: bool,
) -> bool:
    """Read, cut, embed and write what the plan names, and note what failed. Return whether anything was staged.

    `documents` are those that readers have.
    """
    reach_failpoint("planned")
    fingerprint = pipeline_fingerprint(settings, engine.embedder)
    failed_documents = FailedDocuments(staging.notes, settings.knowledge, fingerprint, try_again=tries_all)
    knowledge, files = settings.knowledge, (*plan.added, *plan.changed)
    dates = git_dates(files, max_bytes=knowledge.max_file_bytes)
    to_new_namespace = len(plan.kept) if staging.is_fresh else 0  # without being read
    meter = ProgressMeter(
        len(files) + to_new_namespace, sum(file.size for file in files), are_resumed=bool(staging.resumed)
    )
    is_copy = bool(knowledge.source_url)
    rest = stage_moves(plan, staging, dates, report, meter, is_copy=is_copy, on_progress=on_progress)
    texts = CutTexts()
    on_cut = texts.add if plan.held_back else (lambda document: None)
    cutting = Cutting(engine, failed_documents, dates, page_addresses(knowledge), on_cut=on_cut)
    pipeline = Pipeline(staging, documents, engine, cutting, report, meter, on_progress=on_progress)
    pipeline.run(rest)
    release_edited_moves(rest, texts, staging, documents, report)
    failed_documents.save()
    return pipeline.has_staged or len(rest.removed) < len(plan.removed)


def _gate(
    staging: Staging,
    report: IngestReport,
    golden: GoldenFile,
    recent: Sequence[str],
    gate: Gate,
    check: Callable[[Snapshot], None],
    *,
    force: bool,
) -> Commit:
    """Ask the staged generation the golden questions, and return it with what it found.

    Raises GoldenQuestionsLost if it finds or answers too few of all questions, unless `force`, and what `check` raises.
    """
    sealed, live = staging.seal(_root(gate.settings)), staging.live
    check(sealed)
    found = gate.ask(golden.questions, sealed)
    if live and not force:
        check_golden_loss(
            GoldenResult(live.golden_asked, live.golden_found),
            found,
            golden.questions,
            max_drop=gate.settings.knowledge.max_golden_drop,
            recent=recent,
            no_longer_answered=gate.no_longer_answered(recent, gate.store.snapshot_of(live), sealed),
        )
    reach_failpoint("gated")
    return replace(
        sealed.commit,
        golden_asked=found.asked,
        golden_found=found.found,
        documents_before_loss=documents_to_keep(live) if live and report.deletions_held_back else 0,
    )


def _root(settings: Settings) -> str:
    return str(settings.knowledge.path.resolve())
