// The scope's anchors as stored with the crawl: the seeds, and the hosts they redirected to, as URLs. Appended in chunks,
// so that a million seeds cost one small write each thousand. Also the names of the scheduler's other meta values.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "storage/crawl_db.h"

namespace weft {

inline constexpr std::string_view kMetaState = "state";        // a CrawlState's name
inline constexpr std::string_view kMetaClean = "clean";        // "1": no lease was out when the last run ended
inline constexpr std::string_view kMetaSettings = "settings";  // wire::CrawlSettings
inline constexpr std::string_view kMetaJudged = "judged";      // scope version and depth limit that records were judged by
inline constexpr std::string_view kMetaAnchorChunks = "anchors";
inline constexpr std::string_view kMetaResubmissions = "resubmissions";  // wire::Resubmissions
inline constexpr std::string_view kMetaWall = "wall";          // when it was last known to be open, Unix microseconds
inline constexpr std::string_view kMetaRecrawl = "recrawl";    // settings by which what is done was planned; "": not at all
inline constexpr std::string_view kMetaPagesPlaces = "pages-places";  // where pages directories were seen last

absl::Status AppendAnchors(CrawlDb& db, const std::vector<std::string>& urls);
absl::StatusOr<std::vector<std::string>> ReadAnchors(const CrawlDb& db);

}  // namespace weft
