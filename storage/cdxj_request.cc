#include "storage/cdxj_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/ascii.h"
#include "common/digest.h"
#include "common/http_message.h"
#include "common/percent_encoding.h"
#include "common/utf8.h"

namespace weft {
namespace {

constexpr size_t kLongestQuery = 4096;
constexpr size_t kLongestBody = 1u << 20;  // of which more than kLongestQuery bytes never show
constexpr int kDeepestJson = 64;

using Json = nlohmann::ordered_json;

// As Python's quote_plus: letters, digits and "_.-~" stay.
void AppendQuoted(std::string_view text, std::string& out) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
                       c == '-' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      AppendEscaped(c, out);
    }
  }
}

// Gathers the members of a JSON text; the text's nesting is bounded by the parser's callback.
class Members {
 public:
  void Add(const Json& json, std::string_view name, int depth) {
    if (depth > kDeepestJson || query_.size() > kLongestQuery) return;
    if (json.is_object()) {
      for (const auto& [key, value] : json.items()) Add(value, key, depth + 1);
    } else if (json.is_array()) {
      for (const Json& value : json) Add(value, name, depth + 1);
    } else if (!name.empty()) {
      const int count = ++seen_[std::string(name)];
      if (!query_.empty()) query_ += '&';
      AppendQuoted(count == 1 ? std::string(name) : fmt::format("{}.{}_", name, count), query_);
      query_ += '=';
      AppendQuoted(Text(json), query_);
    }
  }
  std::string Take() { return std::move(query_); }

 private:
  // As Python prints values: the indexes that are compared with ours were written by it.
  static std::string Text(const Json& json) {
    if (json.is_string()) return json.get<std::string>();
    if (json.is_boolean()) return json.get<bool>() ? "True" : "False";
    if (json.is_null()) return "None";
    return json.dump();
  }
  std::string query_;
  std::map<std::string, int, std::less<>> seen_;
};

bool IsTooDeep(std::string_view json) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepestJson) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

std::string Binary(std::string_view body) { return "__wb_post_data=" + Base64(body); }

std::string BodyAsQuery(std::string_view content_type, std::string_view body) {
  body = body.substr(0, kLongestBody);
  if (body.empty()) return {};
  const std::string type = MimeEssence(content_type);
  if (type == "application/x-www-form-urlencoded") {
    std::string plain(body);
    std::replace(plain.begin(), plain.end(), '+', ' ');
    plain = PercentDecode(plain);
    return IsValidUtf8(plain) ? plain : Binary(body);
  }
  if (type == "application/json") return JsonAsQuery(body).value_or("");
  if (type == "text/plain") {
    if (auto query = JsonAsQuery(body)) return *std::move(query);
  }
  return Binary(body);
}

std::string_view SplitBody(std::string_view block) {
  const size_t end = block.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string_view() : block.substr(end + 4);
}

}  // namespace

std::optional<std::string> JsonAsQuery(std::string_view json) {
  if (IsTooDeep(json)) return std::nullopt;
  const Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return std::nullopt;
  Members members;
  members.Add(parsed, "", 0);
  return members.Take();
}

std::optional<OtherRequest> ReadOtherRequest(const WarcRecord& request) {
  const std::string_view block = request.block;
  const std::string_view method = block.substr(0, std::min(block.find(' '), block.size()));
  const bool word = !method.empty() && method.size() <= 20 && method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == std::string_view::npos;
  if (!word || method == "GET" || method == "HEAD") return std::nullopt;
  const auto head = HttpHead::ParseResponse(block);
  if (!head.ok()) return std::nullopt;
  OtherRequest out;
  out.method = std::string(method);
  if (method == "POST" || method == "PUT") {
    PayloadView payload;
    ExtractPayload(*head, SplitBody(block), payload);
    out.body = BodyAsQuery(head->Get("Content-Type"), payload.payload);
    if (out.body.size() > kLongestQuery) out.body.resize(kLongestQuery);
  }
  return out;
}

std::string UrlWithRequest(std::string_view url, std::string_view method, std::string_view body) {
  url = url.substr(0, url.find('#'));
  std::string out = fmt::format("{}{}__wb_method={}", url, url.find('?') == std::string_view::npos ? '?' : '&', method);
  if (body.empty()) return out;
  // A '#' of the body would begin a fragment.
  out += '&';
  for (const char c : body) out += c == '#' ? std::string("%23") : std::string(1, c);
  return out;
}

}  // namespace weft
