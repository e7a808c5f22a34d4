// What politeness is in force for a host, for `weft politeness`: of a crawl that runs, and of one that rests. And how
// groups of hosts are kept in the CrawlDb.
// Thread rule: that of the CrawlDb.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "common/wire.pb.h"
#include "scheduler/politeness_ledger.h"
#include "storage/crawl_db.h"

namespace weft {

// Fills everything but who holds the host.
void FillPoliteness(const CrawlDb& db, const wire::CrawlSettings& settings, const PolitenessLedger& ledger,
                    std::string_view address, CrawlTime now, const std::string& host, wire::PolitenessReply& reply);

absl::Status PutGroup(CrawlDb& db, std::string_view name, std::string_view state);
// `no_request_before`: as in PolitenessLedger::Restore.
absl::Status RestoreGroups(const CrawlDb& db, CrawlTime no_request_before, PolitenessLedger& ledger);

}  // namespace weft
