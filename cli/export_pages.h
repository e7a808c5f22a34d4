// Pages for an export: from the CrawlDb's record alone, and, where columns ask for it, read again from their WARC records.
// Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/record_source.h"
#include "common/http_message.h"
#include "common/registrable_domain.h"
#include "parser/link_extractor.h"
#include "storage/export_schema.h"
#include "storage/url_record.h"

namespace weft {

class ExportPages {
 public:
  static absl::StatusOr<std::unique_ptr<ExportPages>> Make(RecordSource& source, PageNeeds needs, Console& console);

  // Whose robots directives count, in lower case; empty: the crawl ignores robots.
  void SetRobotsName(std::string name) { robots_name_ = std::move(name); }
  // Texts are the main content alone.
  void SetMainText(bool main_text) { main_text_ = main_text; }
  // Only the page's sketch, quickly; 0: none, or it cannot be read.
  uint64_t ReadSketch(const PageRow& row);
  // What the record tells.
  absl::StatusOr<PageRow> FromRecord(const wire::RecordsReply::Row& row);
  // Fills in what is needed beyond that. Of a page that cannot be read the columns stay as they are: it is counted, and told. False:
  // its node is missing and may come back; the page is counted as left out.
  bool Read(PageRow& row);

  // Of a row for which nothing is read: its page may have been lost with its directory, which is counted, and told.
  void CheckThere();

  uint64_t unreadable() const { return unreadable_; }
  uint64_t lost() const;
  // A line for each directory that is lost.
  void TellLost();
  // Counts from here on, beginning with what an export that is gone on with had counted.
  void SetUnreadable(uint64_t pages) {
    unreadable_ = pages;
    missed_.clear();
  }
  // A line for each pages directory that is out of reach.
  void TellMissing();
  // Pages of nodes that are missing, and these: "2 nodes are missing: ...; 12 pages of theirs are not in the export".
  uint64_t left_out() const;
  std::string LeftOutText() const;

 private:
  ExportPages(RecordSource& source, PageNeeds needs, Console& console)
      : source_(source), needs_(needs), console_(console), extractor_(NewGumboExtractor()) {}
  absl::Status ReadStored(PageRow& row);
  absl::Status Extract(const HttpHead& head, const std::string& body, bool heard, PageRow& row);
  void Describe(ExtractedPage& page, const PageFacts& facts, PageRow& row);

  struct Missed {
    uint64_t pages = 0;
    std::string why;
  };
  RecordSource& source_;
  PageNeeds needs_;
  Console& console_;
  std::shared_ptr<const PublicSuffixes> suffixes_;  // shared as it is loaded: one list a process
  std::unique_ptr<LinkExtractor> extractor_;
  std::unique_ptr<LinkExtractor> sketcher_ = NewLinearExtractor();
  bool main_text_ = false;
  std::string robots_name_;
  UrlRecord record_;                 // of the row that was made last
  uint64_t unreadable_ = 0;
  std::map<uint64_t, bool> is_lost_;   // by pages-directory id
  std::map<uint64_t, uint64_t> lost_in_;   // pages, by pages-directory id
  std::map<uint64_t, Missed> missed_;  // by pages-directory id
};

}  // namespace weft
