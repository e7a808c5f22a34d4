// The one table of options. Command line, config file, help texts, defaults, the settings stored with a crawl and the
// print of what a resumed crawl changes all read it; a new option is a new row.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/options.h"

namespace weft {

enum class ValueKind : uint8_t { kFlag, kCount, kDuration, kSize, kText, kChoice };

enum class OptionGroup : uint8_t { kSeeds, kScope, kLimits, kPoliteness, kNetwork, kOutput, kExport, kNodes, kInspection, kOthers };

// A field of wire::CrawlSettings by number; `presence` is its "has_" field, 0 if it needs none.
struct StoredField {
  int number = 0;
  int presence = 0;
};
using InvocationField = std::variant<bool CrawlInvocation::*, uint32_t CrawlInvocation::*, uint64_t CrawlInvocation::*,
                                     std::string CrawlInvocation::*, std::vector<std::string> CrawlInvocation::*>;

struct Option {
  std::string_view name = {};          // without dashes; also the config file's key
  char letter = 0;                     // "-i"
  ValueKind kind = ValueKind::kText;
  bool repeatable = false;
  std::string_view default_text = {};  // read like a value; "none" makes "none" a legal value, "" = not set
  std::string_view default_note = {};  // shown instead of default_text where that says too little
  std::string_view unit = {};          // what a value is: shown in the help
  std::string_view choices = {};       // (kChoice) "a|b"
  uint64_t least = 0;                  // (kCount, kSize, kDuration in microseconds)
  uint64_t most = UINT64_MAX;
  std::string_view help = {};
  OptionGroup group = OptionGroup::kOthers;
  uint32_t commands = 0;               // Command bits
  uint32_t required_by = 0;            // Command bits
  std::variant<StoredField, InvocationField> place = StoredField{};
  absl::Status (*check)(std::string_view value) = nullptr;
  std::string (*mask)(std::string_view value) = nullptr;  // how a value with secrets is shown
  bool changes_scope = false;          // on a resumed crawl only with --change-scope

  bool taken_by(Command command) const { return (commands & static_cast<uint32_t>(command)) != 0; }
  bool needed_by(Command command) const { return (required_by & static_cast<uint32_t>(command)) != 0; }
  bool stored() const { return std::holds_alternative<StoredField>(place); }
};

// In the order of the help texts.
const std::vector<Option>& OptionTable();
// Null if there is none of this name.
const Option* FindOption(std::string_view name);
std::string_view GroupTitle(OptionGroup group);

}  // namespace weft
