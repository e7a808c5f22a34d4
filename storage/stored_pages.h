// Reads what a pages directory holds, as a seam beside PageStore: for pages that are submitted again after the CrawlDb
// has lost them (protocol rule 13). Only what is durable is shown, and one page is held at a time.
// Thread rule: one thread at a time.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <optional>
#include <string>

#include "storage/url_record.h"

namespace weft {

struct PageOnDisk {
  WarcPlace place;             // of the response or revisit record, with its digest as read now
  std::string url;             // request URL
  std::string response;        // head and body, as bytes of the wire
  absl::Time began;
  std::string truncated;       // as in Exchange
  // A revisit of an earlier visit (one of another URL's page is shown as the response that it stands for): when the request of the page began that it refers to. Its response is a head alone.
  std::optional<absl::Time> revisit_of;
};

class StoredPages {
 public:
  virtual ~StoredPages() = default;
  // The next page whose request began at the time that was asked for, or later; file after file, in each as they were
  // stored. NotFound: that was the last. DataLoss: damage, the next call goes on behind it.
  virtual absl::StatusOr<PageOnDisk> Next() = 0;
  // The page at a place that Next has shown before; DataLoss where it cannot be read any more.
  virtual absl::StatusOr<PageOnDisk> ReadAt(const WarcPlace& place) = 0;
};

}  // namespace weft
