#include "storage/warc_check.h"

#include <nlohmann/json.hpp>

#include <utility>

#include "common/status.h"
#include "storage/warc_rules.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

WarcVerdict VerdictOn(const WarcRecord& record, WarcFileRules& rules) {
  WarcFaults faults = CheckWarcRecord(record);
  rules.Check(record, faults);
  WarcVerdict verdict;
  verdict.offset = record.offset;
  verdict.length = record.length;
  verdict.version = record.version;
  verdict.type = std::string(record.Get("WARC-Type"));
  verdict.uri = std::string(WarcTargetUri(record));
  verdict.date = std::string(record.Get("WARC-Date"));
  verdict.content_length = record.block.size();
  verdict.block_digest = CheckBlockDigest(record);
  verdict.payload_digest = CheckPayloadDigest(record);
  if (verdict.block_digest == DigestVerdict::kDiffers) faults.problems.emplace_back("the block's digest differs");
  if (verdict.payload_digest == DigestVerdict::kDiffers) faults.problems.emplace_back("the payload's digest differs");
  verdict.problems = std::move(faults.problems);
  verdict.notes = std::move(faults.notes);
  return verdict;
}

bool WasChecked(DigestVerdict verdict) { return verdict == DigestVerdict::kMatches || verdict == DigestVerdict::kDiffers; }

Json Joined(const std::vector<std::string>& texts) {
  if (texts.empty()) return nullptr;
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : "; ") + text;
  return joined;
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

WarcTally CheckWarc(WarcReader& reader, absl::FunctionRef<void(const WarcVerdict&)> each) {
  WarcTally tally;
  WarcFileRules rules;
  while (true) {
    const auto record = reader.Next();
    if (absl::IsNotFound(record.status())) break;
    if (!record.ok()) {
      ++tally.damages;
      WarcVerdict damage;
      damage.damage = true;
      damage.offset = reader.damage_offset();
      damage.problems.push_back(ErrorText(record.status()));
      each(damage);
      continue;
    }
    const WarcVerdict verdict = VerdictOn(*record, rules);
    ++tally.records;
    tally.with_problems += verdict.problems.empty() ? 0 : 1;
    tally.digests_checked += (WasChecked(verdict.block_digest) ? 1u : 0u) + (WasChecked(verdict.payload_digest) ? 1u : 0u);
    each(verdict);
  }
  tally.unpaired = rules.unpaired();
  return tally;
}

std::string_view DigestVerdictName(DigestVerdict verdict) {
  switch (verdict) {
    case DigestVerdict::kAbsent: return "absent";
    case DigestVerdict::kMatches: return "ok";
    case DigestVerdict::kDiffers: return "differs";
    case DigestVerdict::kUnknown: return "unsupported";
  }
  return "";
}

std::string JsonLine(const WarcVerdict& verdict, std::string_view file) {
  Json json = Json::object();
  if (!file.empty()) json["file"] = file;
  const auto unless_damage = [&](Json value) { return verdict.damage ? Json(nullptr) : std::move(value); };
  json["offset"] = verdict.offset;
  json["length"] = unless_damage(verdict.length == 0 ? Json(nullptr) : Json(verdict.length));
  json["version"] = TextOrNull(verdict.version);
  json["type"] = TextOrNull(verdict.type);
  json["uri"] = TextOrNull(verdict.uri);
  json["date"] = TextOrNull(verdict.date);
  json["content_length"] = unless_damage(verdict.content_length);
  json["block_digest"] = unless_damage(DigestVerdictName(verdict.block_digest));
  json["payload_digest"] = unless_damage(DigestVerdictName(verdict.payload_digest));
  json["problem"] = Joined(verdict.problems);
  json["note"] = Joined(verdict.notes);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weft
