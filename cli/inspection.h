// What `weft inspect NAME` is: each inspection is a file inspect_NAME.cc and a row of Inspections(). The command line
// (one case, readable) and --jsonl (many, for programs) are the same for all: inspect_command.cc, inspect_jsonl.h.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/options.h"

namespace weft {

// Longer lines and files are not read.
inline constexpr size_t kMaxInspectedBytes = 64 * 1024 * 1024;

// The members of one case, by name: of a JSON line, or from the flags and the operand.
class InspectionInput {
 public:
  void Set(std::string name, std::string text);
  // A member whose value is no text; `what` says what it is.
  void SetOther(std::string name, std::string_view what);
  void Unset(std::string_view name);

  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  // Errors name the member and say what is wrong with it.
  absl::StatusOr<std::string_view> Text(std::string_view name) const;
  absl::StatusOr<std::string_view> TextOr(std::string_view name, std::string_view otherwise) const;
  // Bytes: `name` as it stands, or "name_b64" decoded into *storage.
  absl::StatusOr<std::string_view> Bytes(std::string_view name, std::string* storage) const;

 private:
  struct Member {
    std::string name;
    std::string text;
    std::string_view other;  // "a number": then there is no text
  };
  const Member* Find(std::string_view name) const;
  Member& At(std::string name);

  std::vector<Member> members_;  // few
};

// Thread rule: one thread.
class Inspector {
 public:
  virtual ~Inspector() = default;
  // A case as JSON. InvalidArgument: it lacks something or has it in a wrong form.
  virtual absl::StatusOr<nlohmann::ordered_json> Answer(const InspectionInput& input) = 0;
  // The same for people: whole lines. InvalidArgument as above; FailedPrecondition: there is nothing to show.
  virtual absl::StatusOr<std::string> Readable(const InspectionInput& input) = 0;
};

struct Inspection {
  std::string_view name;     // "url"
  std::string_view usage;    // of the one-case form
  std::string_view operand;  // the member that the operand is
  bool operand_is_file;      // the operand names what holds it
  // Options that are taken and the members that they become.
  struct Flag {
    std::string_view option;
    std::string_view member;
    std::string CrawlInvocation::*place = nullptr;
    bool needed = false;
    const std::string& (wire::CrawlSettings::*stored)() const = nullptr;  // of an option that crawls store: instead of `place`
  };
  std::vector<Flag> flags;
  std::string_view example;  // a line for --jsonl
  absl::StatusOr<std::unique_ptr<Inspector>> (*make)();
};

const std::vector<Inspection>& Inspections();
// Null if there is none of this name.
const Inspection* FindInspection(std::string_view name);

Inspection UrlInspection();
Inspection RobotsInspection();
Inspection LinksInspection();
Inspection SitemapInspection();
Inspection CharsetInspection();

// For a terminal: well-formed UTF-8 without control characters.
std::string Printable(std::string_view text);
// "name      text\n", so that texts stand below each other.
std::string ReadableRow(std::string_view name, std::string_view text);

}  // namespace weft
