#include "cli/config_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "common/named_values.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr uintmax_t kMaxConfigBytes = 1024 * 1024;

std::optional<std::string> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

int LineOf(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

// [[rule]] match = "x": what `--rule match=x` gives. A list becomes one value with commas.
absl::StatusOr<std::string> ReadNamedValues(const std::string& path, const std::string& key, const toml::table& table) {
  NamedValues values;
  for (const auto& [name, node] : table) {
    std::optional<std::string> text = ScalarText(node);
    if (const auto* list = node.as_array(); list != nullptr) {
      text = "";
      for (const toml::node& element : *list) {
        std::optional<std::string> one = ScalarText(element);
        if (!one || one->find(',') != std::string::npos) {
          return InvalidArgument("{}:{}: {}.{}: expected a list of texts without commas", path, LineOf(element), key,
                                 std::string(name.str()));
        }
        *text += (text->empty() ? "" : ",") + *one;
      }
    }
    if (!text) {
      return InvalidArgument("{}:{}: {}.{}: expected a text in quotes, a whole number, true or false", path, LineOf(node),
                             key, std::string(name.str()));
    }
    values.emplace_back(std::string(name.str()), *std::move(text));
  }
  return FormatNamedValues(values);
}

absl::StatusOr<ConfigEntry> ReadEntry(const std::string& path, const std::string& key, const toml::node& node) {
  ConfigEntry entry{.key = key, .values = {}, .is_list = node.is_array(), .line = LineOf(node)};
  if (node.is_array_of_tables()) {
    for (const toml::node& element : *node.as_array()) {
      WEFT_ASSIGN_OR_RETURN(std::string values, ReadNamedValues(path, key, *element.as_table()));
      entry.values.push_back(std::move(values));
    }
    return entry;
  }
  if (node.is_table()) {
    return InvalidArgument("{}:{}: '{}' is a table; options stand at the top level, as in: max-pages = 100", path,
                           entry.line, key);
  }
  const auto add = [&](const toml::node& value) -> absl::Status {
    std::optional<std::string> text = ScalarText(value);
    if (!text) {
      return InvalidArgument("{}:{}: {}: expected a text in quotes, a whole number, true or false", path,
                             LineOf(value), key);
    }
    entry.values.push_back(std::move(*text));
    return absl::OkStatus();
  };
  if (const auto* list = node.as_array()) {
    for (const toml::node& element : *list) WEFT_RETURN_IF_ERROR(add(element));
  } else {
    WEFT_RETURN_IF_ERROR(add(node));
  }
  return entry;
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) {
    return InvalidArgument("config file {}: {}; name an existing file with --config", path, error.message());
  }
  if (size > kMaxConfigBytes) return InvalidArgument("config file {} has more than 1 MiB", path);
  std::ifstream file(path, std::ios::binary);
  if (!file) return InvalidArgument("config file {}: {}", path, std::strerror(errno));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  toml::table table;
  try {
    table = toml::parse(std::string_view(text), std::string_view(path));
  } catch (const toml::parse_error& error) {
    return InvalidArgument("{}:{}: {}", path, error.source().begin.line, error.description());
  }
  std::vector<ConfigEntry> entries;
  for (const auto& [key, node] : table) {
    WEFT_ASSIGN_OR_RETURN(ConfigEntry entry, ReadEntry(path, std::string(key.str()), node));
    entries.push_back(std::move(entry));
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const ConfigEntry& a, const ConfigEntry& b) { return a.line < b.line; });
  return entries;
}

}  // namespace weft
