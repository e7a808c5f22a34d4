// What a crawl may take from one host: --host-max-pages, --host-max-bytes and --host-max-time against the totals that the
// CrawlDb keeps of it. A host whose budget is spent is not asked any more; what was under way then may go beyond it.
// Thread rule: free functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/wire.pb.h"
#include "storage/crawl_db.h"

namespace weft {

bool HasHostBudget(const wire::CrawlSettings& settings);
// Nothing more may be asked of the host.
bool HostBudgetSpent(const wire::CrawlSettings& settings, const HostState& host);
// How many of `wanted` URLs may go out while `out` are: what is left, by what a URL of this host has cost so far. At least one:
// whether any may go out is another question.
size_t HostBudgetBatch(const wire::CrawlSettings& settings, const HostState* host, uint64_t out, size_t wanted);
// Names the budgets in force; another text: URLs may have to be judged anew. "": none.
std::string HostBudgetText(const wire::CrawlSettings& settings);

}  // namespace weft
