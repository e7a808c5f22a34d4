#include "storage/warc_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/ascii.h"
#include "common/http_message.h"
#include "common/ip_address.h"
#include "common/url.h"

namespace weft {
namespace {

// Types as bits, so that a field's row names those that may have it.
constexpr unsigned kWarcinfo = 1, kResponse = 2, kResource = 4, kRequest = 8, kMetadata = 16, kRevisit = 32, kConversion = 64,
                   kContinuation = 128, kAll = 255;
constexpr unsigned kCapture = kRequest | kResponse | kResource | kMetadata | kRevisit;

constexpr std::array<std::pair<std::string_view, unsigned>, 8> kTypes = {{{"warcinfo", kWarcinfo},
                                                                          {"response", kResponse},
                                                                          {"resource", kResource},
                                                                          {"request", kRequest},
                                                                          {"metadata", kMetadata},
                                                                          {"revisit", kRevisit},
                                                                          {"conversion", kConversion},
                                                                          {"continuation", kContinuation}}};

struct FieldRule {
  std::string_view name;
  unsigned allowed;    // types that may have it
  unsigned mandatory;  // types that must
};
constexpr std::array<FieldRule, 16> kFields = {{
    {"WARC-Record-ID", kAll, kAll},
    {"WARC-Date", kAll, kAll},
    {"WARC-Target-URI", kAll & ~kWarcinfo, kAll & ~(kWarcinfo | kMetadata)},
    {"WARC-Concurrent-To", kCapture, 0},
    {"WARC-Refers-To", kMetadata | kRevisit | kConversion, 0},
    {"WARC-Refers-To-Target-URI", kRevisit, 0},
    {"WARC-Refers-To-Date", kRevisit, 0},
    {"WARC-IP-Address", kCapture, 0},
    {"WARC-Warcinfo-ID", kAll & ~kWarcinfo, 0},
    {"WARC-Filename", kWarcinfo, 0},
    {"WARC-Profile", kRevisit, kRevisit},
    {"WARC-Segment-Number", kAll & ~kWarcinfo, kContinuation},
    {"WARC-Segment-Origin-ID", kContinuation, kContinuation},
    {"WARC-Segment-Total-Length", kContinuation, 0},
    {"WARC-Payload-Digest", kAll, 0},
    {"WARC-Block-Digest", kAll, 0},
}};

unsigned TypeBit(std::string_view name) {
  for (const auto& [known, bit] : kTypes) {
    if (known == name) return bit;
  }
  return 0;
}

bool Has(const WarcRecord& record, std::string_view name) {
  return std::any_of(record.fields.begin(), record.fields.end(),
                     [&](const auto& field) { return EqualIgnoringCase(field.first, name); });
}

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "dd" within bounds.
bool IsNumber(std::string_view text, int least, int most) {
  if (text.size() != 2 || !IsDigits(text)) return false;
  const int value = (text[0] - '0') * 10 + text[1] - '0';
  return value >= least && value <= most;
}

// "hh:mm" or "hh:mm:ss", with a fraction behind seconds, and "Z".
bool IsTime(std::string_view text, bool fractions) {
  if (!text.ends_with('Z')) return false;
  text.remove_suffix(1);
  if (text.size() < 5 || text[2] != ':' || !IsNumber(text.substr(0, 2), 0, 23) || !IsNumber(text.substr(3, 2), 0, 59)) return false;
  text.remove_prefix(5);
  if (text.empty()) return fractions;
  if (text[0] != ':' || !IsNumber(text.substr(1, 2), 0, 60)) return false;
  text.remove_prefix(3);
  if (text.empty()) return true;
  return fractions && text[0] == '.' && text.size() <= 10 && IsDigits(text.substr(1));
}

// "<urn:uuid:...>": a URI within angle brackets.
bool IsBracketedUri(std::string_view text) {
  if (text.size() < 3 || text.front() != '<' || text.back() != '>') return false;
  text = text.substr(1, text.size() - 2);
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && text.find_first_of(" \t<>") == std::string_view::npos;
}

bool IsAbsoluteUri(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '<' || c == '>' || c == '\x7f') return false;
  }
  const char first = LowerAscii(text[0]);
  return first >= 'a' && first <= 'z';
}

void CheckFields(const WarcRecord& record, unsigned type, WarcFaults& faults) {
  for (const FieldRule& rule : kFields) {
    const bool there = Has(record, rule.name);
    if (there && (rule.allowed & type) == 0) {
      faults.problems.push_back(fmt::format("{} is not allowed in a {} record", rule.name, record.Get("WARC-Type")));
    } else if (record.Get(rule.name).empty() && (rule.mandatory & type) != 0) {
      faults.problems.push_back(fmt::format("{} is missing", rule.name));
    }
  }
}

// Of an unknown type's record, too, the four fields that every record has.
void CheckCommonFields(const WarcRecord& record, WarcFaults& faults) {
  for (const std::string_view name : {"WARC-Record-ID", "WARC-Date", "WARC-Type"}) {
    if (record.Get(name).empty()) faults.problems.push_back(fmt::format("{} is missing", name));
  }
}

// WARC-Concurrent-To alone may stand more than once (section 4).
void CheckRepeats(const WarcRecord& record, WarcFaults& faults) {
  constexpr size_t kMostFields = 200;  // so that a head full of fields costs no square
  std::vector<std::string> seen;
  for (const auto& field : record.fields) {
    if (EqualIgnoringCase(field.first, "WARC-Concurrent-To")) continue;
    std::string name = LowerAscii(field.first);
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      faults.problems.push_back(fmt::format("{} stands more than once", field.first));
    } else if (seen.size() < kMostFields) {
      seen.push_back(std::move(name));
    }
  }
}

void CheckForms(const WarcRecord& record, WarcFaults& faults) {
  const auto wrong = [&](std::string_view name) {
    faults.problems.push_back(fmt::format("{} cannot be read: \"{}\"", name, record.Get(name).substr(0, 100)));
  };
  for (const std::string_view name : {"WARC-Date", "WARC-Refers-To-Date"}) {
    if (!record.Get(name).empty() && !IsWarcDate(record.Get(name), record.version)) wrong(name);
  }
  for (const auto& [name, value] : record.fields) {
    for (const std::string_view id : {"WARC-Record-ID", "WARC-Concurrent-To", "WARC-Refers-To", "WARC-Warcinfo-ID", "WARC-Segment-Origin-ID"}) {
      if (!EqualIgnoringCase(name, id) || IsBracketedUri(value)) continue;
      faults.problems.push_back(fmt::format("{} is no URI within <>: \"{}\"", id, std::string_view(value).substr(0, 100)));
    }
  }
  // Version 1.0 has the brackets in its grammar; 1.1 took them out (section 5.2).
  const bool bracketed = record.Get("WARC-Target-URI").starts_with('<');
  const std::string_view uri = record.version == "WARC/1.0" ? WarcTargetUri(record) : record.Get("WARC-Target-URI");
  if (!uri.empty() && !IsAbsoluteUri(uri)) {
    wrong("WARC-Target-URI");
  } else if (bracketed) {
    faults.notes.emplace_back("WARC-Target-URI stands within <>");
  }
  const std::string_view ip = record.Get("WARC-IP-Address");
  if (!ip.empty() && !IpAddress::Parse(ip).ok()) wrong("WARC-IP-Address");
  const std::string_view cut = record.Get("WARC-Truncated");
  const std::array<std::string_view, 5> known = {"", "length", "time", "disconnect", "unspecified"};
  if (std::find(known.begin(), known.end(), cut) == known.end()) {
    faults.notes.push_back(fmt::format("WARC-Truncated has a reason of its own: \"{}\"", cut.substr(0, 100)));
  }
}

// Lines without a colon are nothing that a reader understands.
void CheckHeadLines(const WarcRecord& record, WarcFaults& faults) {
  std::string_view rest = record.head;
  bool first = true, bare = false;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    bare = bare || !line.ends_with('\r');
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool folded = line.starts_with(' ') || line.starts_with('\t');
    if (!std::exchange(first, false) && !line.empty() && !folded && line.find(':') == std::string_view::npos) {
      faults.problems.push_back(fmt::format("a line of the head is no field: \"{}\"", line.substr(0, 100)));
      return;
    }
  }
  if (bare) faults.notes.emplace_back("lines of the head end without CR");
}

void CheckBlock(const WarcRecord& record, unsigned type, WarcFaults& faults) {
  if (!record.terminated) {
    faults.problems.emplace_back("the block is not followed by CR LF CR LF, so that Content-Length may be wrong");
  }
  if (record.compressed && record.length == 0) {
    faults.problems.emplace_back("shares its compressed member with another record, so that it cannot be read by its place");
  }
  const bool http = MimeEssence(record.Get("Content-Type")) == "application/http";
  const bool message = (type & (kResponse | kRequest)) != 0 || (type == kRevisit && !record.block.empty());
  if (!http || !message) return;
  const auto head = HttpHead::ParseResponse(record.block);
  const bool response = head.ok() && head->status() > 0;
  if (!head.ok() || (type == kRequest) == response) faults.problems.emplace_back("the block is no HTTP message of its kind");
}

}  // namespace

bool IsWarcDate(std::string_view text, std::string_view version) {
  const bool newer = version != "WARC/1.0" && !version.starts_with("WARC/0");
  if (text.size() < 4 || !IsDigits(text.substr(0, 4))) return false;
  text.remove_prefix(4);
  if (text.empty()) return newer;
  if (text[0] != '-' || !IsNumber(text.substr(1, 2), 1, 12)) return false;
  text.remove_prefix(3);
  if (text.empty()) return newer;
  if (text[0] != '-' || !IsNumber(text.substr(1, 2), 1, 31)) return false;
  text.remove_prefix(3);
  if (text.empty()) return newer;
  return text[0] == 'T' && IsTime(text.substr(1), newer);
}

std::string_view WarcTargetUri(const WarcRecord& record) {
  std::string_view uri = record.Get("WARC-Target-URI");
  if (uri.size() >= 2 && uri.front() == '<' && uri.back() == '>') uri = uri.substr(1, uri.size() - 2);
  return uri;
}

WarcFaults CheckWarcRecord(const WarcRecord& record) {
  WarcFaults faults;
  if (record.version != "WARC/1.0" && record.version != "WARC/1.1") {
    faults.notes.push_back(fmt::format("of version {}", record.version.substr(0, 20)));
  }
  const unsigned type = TypeBit(record.Get("WARC-Type"));
  if (type != 0) {
    CheckFields(record, type, faults);
  } else {
    CheckCommonFields(record, faults);
    if (Has(record, "WARC-Type")) faults.notes.push_back(fmt::format("of a type of its own: {}", record.Get("WARC-Type").substr(0, 40)));
  }
  CheckRepeats(record, faults);
  CheckForms(record, faults);
  CheckHeadLines(record, faults);
  CheckBlock(record, type, faults);
  return faults;
}

void WarcFileRules::Compare(const Known& one, const Known& other, WarcFaults& faults) const {
  const std::string at = fmt::format("the {} record at offset {}, with which it is one capture,", other.type, other.offset);
  if (one.date != other.date) faults.problems.push_back(fmt::format("{} has another WARC-Date", at));
  const bool pair = one.type != "metadata" && other.type != "metadata" && !one.uri.empty() && !other.uri.empty();
  if (pair && one.uri != other.uri) faults.problems.push_back(fmt::format("{} has another WARC-Target-URI", at));
}

void WarcFileRules::Remember(std::string_view id, Known known) {
  if (known_.size() >= kMostIds) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  if (known_.emplace(id, std::move(known)).second) order_.emplace_back(id);
}

void WarcFileRules::Check(const WarcRecord& record, WarcFaults& faults) {
  const std::string_view id = record.Get("WARC-Record-ID");
  const Known self{record.offset, std::string(record.Get("WARC-Type")), std::string(record.Get("WARC-Date")), std::string(WarcTargetUri(record))};
  if (id.empty()) return;
  if (const auto twin = known_.find(id); twin != known_.end()) {
    faults.problems.push_back(fmt::format("WARC-Record-ID is that of the record at offset {}", twin->second.offset));
    return;
  }
  // A pair names itself once or both ways; it is compared when its second record comes, once.
  uint64_t compared = UINT64_MAX;
  if (const auto named = waiting_.find(id); named != waiting_.end()) {
    Compare(self, named->second, faults);
    compared = named->second.offset;
    waiting_.erase(named);
  }
  for (const auto& [name, value] : record.fields) {
    if (!EqualIgnoringCase(name, "WARC-Concurrent-To")) continue;
    if (const auto other = known_.find(value); other != known_.end()) {
      if (other->second.offset != compared) Compare(self, other->second, faults);
    } else if (waiting_.emplace(value, self).second) {
      waiting_order_.push_back(value);
    }
  }
  while (waiting_order_.size() > kMostIds) {
    forgotten_waiting_ += waiting_.erase(waiting_order_.front());
    waiting_order_.pop_front();
  }
  Remember(id, self);
}

}  // namespace weft
