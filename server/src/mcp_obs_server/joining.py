"""Taking a place among the processes that share a control plane, before anything of the spool is stored."""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection

from mcp_obs_server.deletions.passes import deleted_servers
from mcp_obs_server.ingest.spool import Spool
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.transaction_lock import TransactionLock
from mcp_obs_server.processes.registration import Registration

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.2


async def join(
    registration: Registration, spools: Collection[Spool], sessions: Sessions, deletions: TransactionLock
) -> None:
    """Return when no deletion is finished without this process.

    Whoever was forgotten has missed deletions, so what it still has of these servers is deleted first. Raises
    what `UNAVAILABLE` names.
    """
    if await registration.renew():
        return
    if all(spool.is_empty for spool in spools):
        await registration.register()
        return
    tells = True
    while not await _join_again(registration, spools, sessions, deletions):
        if tells:
            log.warning("Waiting for another mcp-obs on the same control plane, which deletes (DELETIONS)")
            tells = False
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


async def _join_again(
    registration: Registration, spools: Collection[Spool], sessions: Sessions, deletions: TransactionLock
) -> bool:
    # With the lock no deletion can be finished between the look and the registration.
    async with deletions.if_free() as is_free:
        if is_free:
            deleted_at = await deleted_servers(sessions)
            removed: Counter[int] = Counter()
            for spool in spools:
                removed += await asyncio.to_thread(spool.remove_servers, deleted_at)
            for server_id, exports in sorted(removed.items()):
                log.warning(
                    "This process was forgotten: %d acknowledged exports of the server %d, of which something was"
                    " deleted meanwhile, are removed and not stored",
                    exports,
                    server_id,
                )
            await registration.register()
        return is_free
