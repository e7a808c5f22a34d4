#include "cli/inspection.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base64.h"
#include "common/status.h"
#include "common/utf8.h"

namespace weft {

const InspectionInput::Member* InspectionInput::Find(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

InspectionInput::Member& InspectionInput::At(std::string name) {
  Unset(name);
  members_.push_back({std::move(name), "", {}});
  return members_.back();
}

void InspectionInput::Set(std::string name, std::string text) { At(std::move(name)).text = std::move(text); }

void InspectionInput::SetOther(std::string name, std::string_view what) { At(std::move(name)).other = what; }

void InspectionInput::Unset(std::string_view name) {
  std::erase_if(members_, [&](const Member& member) { return member.name == name; });
}

absl::StatusOr<std::string_view> InspectionInput::Text(std::string_view name) const {
  const Member* member = Find(name);
  if (member == nullptr) return InvalidArgument("\"{}\" is missing", name);
  if (!member->other.empty()) return InvalidArgument("\"{}\" is {}, not a string", name, member->other);
  return std::string_view(member->text);
}

absl::StatusOr<std::string_view> InspectionInput::TextOr(std::string_view name, std::string_view otherwise) const {
  if (Find(name) == nullptr) return otherwise;
  return Text(name);
}

absl::StatusOr<std::string_view> InspectionInput::Bytes(std::string_view name, std::string* storage) const {
  const std::string encoded = fmt::format("{}_b64", name);
  if (Find(encoded) == nullptr) {
    if (Find(name) == nullptr) return InvalidArgument("\"{}\" is missing (or \"{}\", as text)", encoded, name);
    return Text(name);
  }
  if (Find(name) != nullptr) return InvalidArgument("both \"{}\" and \"{}\" are given: leave one out", name, encoded);
  WEFT_ASSIGN_OR_RETURN(const std::string_view text, Text(encoded));
  absl::StatusOr<std::string> bytes = DecodeBase64(text);
  if (!bytes.ok()) return WithContext(bytes.status(), fmt::format("\"{}\"", encoded));
  *storage = *std::move(bytes);
  return std::string_view(*storage);
}

const std::vector<Inspection>& Inspections() {
  static const std::vector<Inspection>* const table = new std::vector<Inspection>{
      UrlInspection(),
      RobotsInspection(),
      LinksInspection(),
      SitemapInspection(),
      CharsetInspection(),
  };
  return *table;
}

const Inspection* FindInspection(std::string_view name) {
  for (const Inspection& inspection : Inspections()) {
    if (inspection.name == name) return &inspection;
  }
  return nullptr;
}

std::string Printable(std::string_view text) {
  std::string shown = ReplaceInvalidUtf8(text);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  // C1 controls, U+0080 to U+009F: a terminal takes some of them for the beginning of a command.
  for (size_t at = 0; (at = shown.find('\xC2', at)) != std::string::npos; ++at) {
    if (static_cast<unsigned char>(shown[at + 1]) < 0xA0) shown.replace(at, 2, "?");
  }
  return shown;
}

std::string ReadableRow(std::string_view name, std::string_view text) {
  return text.empty() ? fmt::format("{}\n", name) : fmt::format("{:<20}{}\n", name, Printable(text));
}

}  // namespace weft
