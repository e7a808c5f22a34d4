#include "cli/options_value.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <optional>

#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

using google::protobuf::FieldDescriptor;

bool AcceptsNone(const Option& option) { return option.default_text == "none"; }

const FieldDescriptor* Field(int number) {
  return wire::CrawlSettings::descriptor()->FindFieldByNumber(number);
}

// A number in the option's base unit (microseconds, bytes, items) as text for an error.
std::string ShowNumber(const Option& option, uint64_t number) {
  // Qualified, as Abseil has one that writes otherwise.
  if (option.kind == ValueKind::kDuration) {
    return weft::FormatDuration(absl::Microseconds(static_cast<int64_t>(number)));
  }
  if (option.kind == ValueKind::kSize) return FormatSize(number);
  return std::to_string(number);
}

absl::StatusOr<uint64_t> ReadCount(std::string_view text) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc::result_out_of_range) return InvalidArgument("'{}' is too large", text);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("'{}' is not a whole number", text);
  }
  return count;
}

// Microseconds, bytes or items. nullopt: "none".
absl::StatusOr<std::optional<uint64_t>> ReadNumber(const Option& option, std::string_view text) {
  if (text == "none" && AcceptsNone(option)) return std::nullopt;
  uint64_t number = 0;
  if (option.kind == ValueKind::kDuration) {
    WEFT_ASSIGN_OR_RETURN(const absl::Duration duration, ParseDuration(text));
    // What an int64 of microseconds holds: 292,000 years.
    if (duration > absl::Microseconds(INT64_MAX)) return InvalidArgument("'{}' is too long", text);
    number = static_cast<uint64_t>(absl::ToInt64Microseconds(duration));
  } else if (option.kind == ValueKind::kSize) {
    WEFT_ASSIGN_OR_RETURN(number, ParseSize(text));
  } else {
    WEFT_ASSIGN_OR_RETURN(number, ReadCount(text));
  }
  if (number < option.least) {
    return InvalidArgument("'{}' is too small: at least {}{}", text, ShowNumber(option, option.least),
                           AcceptsNone(option) ? ", or none for no limit" : "");
  }
  if (number > option.most) {
    return InvalidArgument("'{}' is too large: at most {}", text, ShowNumber(option, option.most));
  }
  return number;
}

absl::StatusOr<bool> ReadFlag(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return InvalidArgument("'{}' is neither true nor false", text);
}

absl::Status CheckText(const Option& option, std::string_view text) {
  if (option.kind == ValueKind::kChoice) {
    const std::string padded = fmt::format("|{}|", option.choices);
    const bool known = text.find('|') == std::string_view::npos &&
                       padded.find(fmt::format("|{}|", text)) != std::string::npos;
    if (!known) return InvalidArgument("'{}' is not one of {}", text, option.choices);
  }
  if (option.check == nullptr || text.empty()) return absl::OkStatus();
  return option.check(text);
}

void StoreNumber(const FieldDescriptor* field, uint64_t number, wire::CrawlSettings& settings) {
  const auto* reflection = settings.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection->SetInt64(&settings, field, static_cast<int64_t>(number));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->SetUInt64(&settings, field, number);
    default:  // a test reads every row back, so that no other type slips in
      return reflection->SetUInt32(&settings, field, static_cast<uint32_t>(number));
  }
}

uint64_t LoadNumber(const FieldDescriptor* field, const wire::CrawlSettings& settings) {
  const auto* reflection = settings.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<uint64_t>(reflection->GetInt64(settings, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->GetUInt64(settings, field);
    default:
      return reflection->GetUInt32(settings, field);
  }
}

absl::Status SetStored(const Option& option, StoredField place, const std::vector<std::string>& values,
                       wire::CrawlSettings& settings) {
  const auto* reflection = settings.GetReflection();
  const FieldDescriptor* field = Field(place.number);
  if (option.repeatable) {
    reflection->ClearField(&settings, field);
    for (const std::string& value : values) {
      WEFT_RETURN_IF_ERROR(CheckText(option, value));
      if (!value.empty()) reflection->AddString(&settings, field, value);
    }
    return absl::OkStatus();
  }
  const std::string& value = values.back();
  switch (option.kind) {
    case ValueKind::kFlag: {
      WEFT_ASSIGN_OR_RETURN(const bool on, ReadFlag(value));
      reflection->SetBool(&settings, field, on);
      return absl::OkStatus();
    }
    case ValueKind::kText:
    case ValueKind::kChoice:
      WEFT_RETURN_IF_ERROR(CheckText(option, value));
      reflection->SetString(&settings, field, value);
      return absl::OkStatus();
    default: {
      WEFT_ASSIGN_OR_RETURN(const std::optional<uint64_t> number, ReadNumber(option, value));
      StoreNumber(field, number.value_or(0), settings);
      if (place.presence != 0) reflection->SetBool(&settings, Field(place.presence), number.has_value());
      return absl::OkStatus();
    }
  }
}

absl::Status SetInvocation(const Option& option, const InvocationField& place,
                           const std::vector<std::string>& values, CrawlInvocation& call) {
  const std::string& value = values.back();
  if (const auto* flag = std::get_if<bool CrawlInvocation::*>(&place)) {
    WEFT_ASSIGN_OR_RETURN(call.**flag, ReadFlag(value));
  } else if (const auto* count = std::get_if<uint32_t CrawlInvocation::*>(&place)) {
    WEFT_ASSIGN_OR_RETURN(const std::optional<uint64_t> number, ReadNumber(option, value));
    call.**count = static_cast<uint32_t>(number.value_or(0));
  } else if (const auto* size = std::get_if<uint64_t CrawlInvocation::*>(&place)) {
    WEFT_ASSIGN_OR_RETURN(const std::optional<uint64_t> number, ReadNumber(option, value));
    call.**size = number.value_or(0);
  } else if (const auto* text = std::get_if<std::string CrawlInvocation::*>(&place)) {
    WEFT_RETURN_IF_ERROR(CheckText(option, value));
    call.**text = value;
  } else {
    for (const std::string& one : values) WEFT_RETURN_IF_ERROR(CheckText(option, one));
    call.*std::get<std::vector<std::string> CrawlInvocation::*>(place) = values;
  }
  return absl::OkStatus();
}

std::string Masked(const Option& option, const std::string& value) {
  return option.mask == nullptr ? value : option.mask(value);
}

}  // namespace

absl::Status SetOption(const Option& option, const std::vector<std::string>& values, CommandLine& into) {
  if (values.empty()) return InvalidArgument("a value is missing");
  if (const auto* stored = std::get_if<StoredField>(&option.place)) {
    return SetStored(option, *stored, values, into.settings);
  }
  return SetInvocation(option, std::get<InvocationField>(option.place), values, into.invocation);
}

std::string ShowStored(const Option& option, const wire::CrawlSettings& settings) {
  const StoredField place = std::get<StoredField>(option.place);
  const FieldDescriptor* field = Field(place.number);
  const auto* reflection = settings.GetReflection();
  std::string shown;
  if (option.repeatable) {
    for (int i = 0; i < reflection->FieldSize(settings, field); ++i) {
      if (i > 0) shown += ", ";
      shown += Masked(option, reflection->GetRepeatedString(settings, field, i));
    }
  } else if (option.kind == ValueKind::kFlag) {
    shown = reflection->GetBool(settings, field) ? "true" : "false";
  } else if (option.kind == ValueKind::kText || option.kind == ValueKind::kChoice) {
    shown = Masked(option, reflection->GetString(settings, field));
  } else {
    const uint64_t number = LoadNumber(field, settings);
    const bool set = place.presence == 0 ? number != 0 || !AcceptsNone(option)
                                         : reflection->GetBool(settings, Field(place.presence));
    if (set) shown = ShowNumber(option, number);
  }
  return shown.empty() ? "none" : shown;
}

void CopyStored(const Option& option, const wire::CrawlSettings& from, wire::CrawlSettings& to) {
  // One field of a message at a time, by merging a copy that holds nothing else.
  const StoredField place = std::get<StoredField>(option.place);
  wire::CrawlSettings only = from;
  const auto* descriptor = wire::CrawlSettings::descriptor();
  const auto* reflection = to.GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->number() == place.number || (place.presence != 0 && field->number() == place.presence)) {
      reflection->ClearField(&to, field);
    } else {
      reflection->ClearField(&only, field);
    }
  }
  to.MergeFrom(only);
}

bool SameStored(const Option& option, const wire::CrawlSettings& a, const wire::CrawlSettings& b) {
  wire::CrawlSettings of_a;
  wire::CrawlSettings of_b;
  CopyStored(option, a, of_a);
  CopyStored(option, b, of_b);
  return of_a.SerializeAsString() == of_b.SerializeAsString();
}

}  // namespace weft
