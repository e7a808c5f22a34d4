// What WARC/1.1 (ISO 28500:2017, sections 4 to 6) asks of a record beyond being readable: fields that must be there, must not be
// there or must not be there twice, and their forms; and of the records of one file: distinct ids, and captures whose records
// agree. Bounded: ids of the last records are kept only. Thread rule: an object belongs to one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/warc_reader.h"

namespace weft {

struct WarcFaults {
  std::vector<std::string> problems;  // against the standard
  std::vector<std::string> notes;     // allowed, and worth knowing
};

// "2026-01-02T03:04:05Z". Version 1.1 knows fractions of a second and, as ISO 8601 in W3C's profile, dates without a time too.
bool IsWarcDate(std::string_view text, std::string_view version);
// WARC-Target-URI without the angle brackets that some writers of version 1.0 put around it.
std::string_view WarcTargetUri(const WarcRecord& record);

// What is wrong with one record by itself.
WarcFaults CheckWarcRecord(const WarcRecord& record);

// What is wrong between the records of one file, given in their order.
class WarcFileRules {
 public:
  static constexpr size_t kMostIds = 50'000;

  void Check(const WarcRecord& record, WarcFaults& faults);
  // Of all records so far: WARC-Concurrent-To that named no record of this file (as far as ids were kept). It may lie in
  // another file, so this is no fault.
  uint64_t unpaired() const { return waiting_.size() + forgotten_waiting_; }

 private:
  struct Known {
    uint64_t offset = 0;
    std::string type;
    std::string date;
    std::string uri;
  };
  void Compare(const Known& one, const Known& other, WarcFaults& faults) const;
  void Remember(std::string_view id, Known known);

  std::map<std::string, Known, std::less<>> known_;   // by record id
  std::deque<std::string> order_;                     // of known_, oldest first
  std::map<std::string, Known, std::less<>> waiting_; // by the id that was named and has not come
  std::deque<std::string> waiting_order_;
  uint64_t forgotten_waiting_ = 0;
};

}  // namespace weft
