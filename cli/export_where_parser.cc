// Reads --where: words, then by recursive descent.
#include <absl/time/time.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "cli/export_where.h"
#include "cli/export_where_node.h"
#include "cli/options_names.h"
#include "common/ascii.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr size_t kMostBytes = 64 * 1024;
constexpr size_t kMostDepth = 100;

enum class TokenKind : uint8_t { kWord, kNumber, kText, kSign, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;      // of a text without its quotes; of a word in lower case
  size_t at = 0;         // character, from 1
};

bool IsWordByte(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigitByte(char c) { return c >= '0' && c <= '9'; }

template <typename... A>
absl::Status At(size_t at, fmt::format_string<A...> format, A&&... args) {
  return InvalidArgument("at character {}: {}", at, fmt::format(format, std::forward<A>(args)...));
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<Token>> All() {
    std::vector<Token> tokens;
    while (true) {
      while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
      WEFT_ASSIGN_OR_RETURN(Token token, Next());
      tokens.push_back(std::move(token));
      if (tokens.back().kind == TokenKind::kEnd) return tokens;
    }
  }

 private:
  absl::StatusOr<Token> Next() {
    Token token;
    token.at = at_ + 1;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (IsWordByte(c)) {
      token.kind = TokenKind::kWord;
      while (at_ < text_.size() && (IsWordByte(text_[at_]) || IsDigitByte(text_[at_]))) token.text += text_[at_++];
      token.text = LowerAscii(token.text);
    } else if (IsDigitByte(c) || (c == '-' && at_ + 1 < text_.size() && IsDigitByte(text_[at_ + 1]))) {
      token.kind = TokenKind::kNumber;
      token.text += text_[at_++];
      while (at_ < text_.size() && (IsWordByte(text_[at_]) || IsDigitByte(text_[at_]) || text_[at_] == '.')) {
        token.text += text_[at_++];
      }
    } else if (c == '\'' || c == '"') {
      return Text(c, std::move(token));
    } else {
      return Sign(std::move(token));
    }
    return token;
  }

  // A quote within is doubled.
  absl::StatusOr<Token> Text(char quote, Token token) {
    token.kind = TokenKind::kText;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != quote) {
          ++at_;
          return token;
        }
        ++at_;
      }
      token.text += text_[at_];
    }
    return At(token.at, "the text that begins here has no end; it ends with {}", quote);
  }

  absl::StatusOr<Token> Sign(Token token) {
    token.kind = TokenKind::kSign;
    for (const std::string_view sign : {"!=", "<>", "<=", ">=", "!~", "==", "=", "<", ">", "~", "(", ")", ","}) {
      if (!text_.substr(at_).starts_with(sign)) continue;
      at_ += sign.size();
      token.text = sign == "<>" ? "!=" : sign == "==" ? "=" : sign;
      return token;
    }
    return At(token.at, "'{}' means nothing here; texts stand in quotes", text_[at_]);
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool IsSizeUnit(std::string_view word) {
  static constexpr std::string_view kUnits[] = {"b", "kb", "kib", "mb", "mib", "gb", "gib", "tb", "tib"};
  return std::find(std::begin(kUnits), std::end(kUnits), word) != std::end(kUnits);
}

std::string_view TypeText(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
    case ColumnType::kJson: return "a text in quotes";
    case ColumnType::kInteger: return "a whole number";
    case ColumnType::kLong: return "a whole number or a size such as 64KiB";
    case ColumnType::kTruth: return "true or false";
    case ColumnType::kTime: return "a time in quotes, such as '2026-01-02' or '2026-01-02T03:04:05Z'";
  }
  return "";
}

class Parser {
 public:
  using Node = ExportWhere::Node;
  using NodeOr = absl::StatusOr<std::unique_ptr<Node>>;

  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  NodeOr All() {
    WEFT_ASSIGN_OR_RETURN(auto node, Or());
    if (Now().kind != TokenKind::kEnd) {
      if (next_ > 0 && tokens_[next_ - 1].kind == TokenKind::kNumber && IsSizeUnit(Now().text)) {
        return At(Now().at, "a size's unit stands right behind its number: {}{}", tokens_[next_ - 1].text, Now().text);
      }
      return At(Now().at, "'{}' does not belong here; conditions are joined by and, or", Now().text);
    }
    return node;
  }
  PageNeeds needs() const { return needs_; }

 private:
  const Token& Now() const { return tokens_[next_]; }
  bool Takes(std::string_view word) {
    const bool taken = (Now().kind == TokenKind::kWord || Now().kind == TokenKind::kSign) && Now().text == word;
    if (taken) ++next_;
    return taken;
  }

  NodeOr Or() { return Joined("or", WhereOp::kOr, &Parser::And); }
  NodeOr And() { return Joined("and", WhereOp::kAnd, &Parser::Part); }

  NodeOr Joined(std::string_view word, WhereOp op, NodeOr (Parser::*part)()) {
    WEFT_ASSIGN_OR_RETURN(auto first, (this->*part)());
    if (Now().kind != TokenKind::kWord || Now().text != word) return first;
    auto node = std::make_unique<Node>();
    node->op = op;
    node->parts.push_back(std::move(first));
    while (Takes(word)) {
      WEFT_ASSIGN_OR_RETURN(auto next, (this->*part)());
      node->parts.push_back(std::move(next));
    }
    return node;
  }

  NodeOr Part() {
    const size_t at = Now().at;
    if (depth_ >= kMostDepth) return At(at, "more than {} brackets and nots within each other", kMostDepth);
    if (Takes("not")) {
      ++depth_;
      NodeOr inner = Part();
      --depth_;
      return Negated(std::move(inner));
    }
    if (!Takes("(")) return Condition();
    ++depth_;
    NodeOr inner = Or();
    --depth_;
    if (inner.ok() && !Takes(")")) return At(Now().at, "a ')' is missing, for the '(' at character {}", at);
    return inner;
  }

  static NodeOr Negated(NodeOr inner) {
    if (!inner.ok()) return inner;
    auto node = std::make_unique<Node>();
    node->op = WhereOp::kNot;
    node->parts.push_back(*std::move(inner));
    return node;
  }

  NodeOr Condition() {
    const Token name = Now();
    if (name.kind != TokenKind::kWord) {
      return At(name.at, "the name of a column is missing{}", name.kind == TokenKind::kEnd ? "" : ", such as status");
    }
    const PageColumn* const column = FindPageColumn(name.text);
    if (column == nullptr) return At(name.at, "{}", NoSuchColumn(name.text, PageColumnNames()));
    ++next_;
    needs_ = needs_ | column->needs;
    auto node = std::make_unique<Node>();
    node->column = column;
    if (Takes("is")) {
      const bool negated = Takes("not");
      node->op = WhereOp::kIsNull;
      if (!Takes("null")) return At(Now().at, "'is' is followed by null or not null");
      return negated ? Negated(std::move(node)) : NodeOr(std::move(node));
    }
    const bool negated = Takes("not");
    bool denied = negated;
    if (Takes("in")) {
      WEFT_RETURN_IF_ERROR(In(*node));
    } else if (Takes("like")) {
      WEFT_RETURN_IF_ERROR(Pattern(*node, /*like=*/true));
    } else if (negated) {
      return At(Now().at, "'not' behind a column is followed by in or like");
    } else if (Takes("~")) {
      WEFT_RETURN_IF_ERROR(Pattern(*node, /*like=*/false));
    } else if (Takes("!~")) {
      denied = true;
      WEFT_RETURN_IF_ERROR(Pattern(*node, /*like=*/false));
    } else {
      return Comparison(std::move(node), name);
    }
    return denied ? Negated(std::move(node)) : NodeOr(std::move(node));
  }

  NodeOr Comparison(std::unique_ptr<Node> node, const Token& name) {
    static constexpr std::pair<std::string_view, WhereOp> kSigns[] = {
        {"=", WhereOp::kEqual},      {"!=", WhereOp::kUnequal},   {"<", WhereOp::kLess},
        {"<=", WhereOp::kLessEqual}, {">", WhereOp::kGreater},    {">=", WhereOp::kGreaterEqual}};
    for (const auto& [sign, op] : kSigns) {
      if (!Takes(sign)) continue;
      node->op = op;
      WEFT_RETURN_IF_ERROR(Value(*node));
      return node;
    }
    if (node->column->type == ColumnType::kTruth) {
      node->op = WhereOp::kTruth;
      return node;
    }
    return At(Now().at, "'{}' is followed by = != < <= > >= ~ !~, in, like or is null", name.text);
  }

  absl::Status In(Node& node) {
    node.op = WhereOp::kIn;
    if (!Takes("(")) return At(Now().at, "'in' is followed by a list: in (200, 301)");
    do {
      WEFT_RETURN_IF_ERROR(Value(node));
    } while (Takes(","));
    return Takes(")") ? absl::OkStatus() : At(Now().at, "the list ends with a ')'; its values stand between commas");
  }

  absl::Status Pattern(Node& node, bool like) {
    node.op = WhereOp::kMatch;
    const Token token = Now();
    const bool text_column = node.column->type == ColumnType::kText || node.column->type == ColumnType::kJson;
    if (!text_column) return At(token.at, "'{}' is no text: compare it with {}", node.column->name, TypeText(node.column->type));
    if (token.kind != TokenKind::kText) return At(token.at, "a pattern in quotes is missing");
    ++next_;
    RE2::Options options;
    options.set_log_errors(false);
    if (like) options.set_dot_nl(true);
    node.whole = like;
    node.pattern = std::make_unique<RE2>(like ? LikePattern(token.text) : token.text, options);
    if (!node.pattern->ok()) return At(token.at, "no regular expression (RE2): {}", node.pattern->error());
    return absl::OkStatus();
  }

  static std::string LikePattern(std::string_view text) {
    std::string pattern;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%') {
        pattern += ".*";
      } else if (text[i] == '_') {
        pattern += '.';
      } else if (static_cast<unsigned char>(text[i]) < 0x80) {
        pattern += RE2::QuoteMeta(std::string(1, text[i]));
      } else {
        pattern += text[i];
      }
    }
    return pattern;
  }

  absl::Status Value(Node& node) {
    const Token token = Now();
    const ColumnType type = node.column->type;
    const auto unfit = [&](std::string_view why) {
      return At(token.at, "{} is compared with {}{}", node.column->name, TypeText(type), why);
    };
    ++next_;
    if (token.kind == TokenKind::kEnd) --next_;
    switch (type) {
      case ColumnType::kText:
      case ColumnType::kJson:
        if (token.kind != TokenKind::kText) return unfit("");
        node.values.emplace_back(token.text);
        return absl::OkStatus();
      case ColumnType::kTruth:
        if (token.kind != TokenKind::kWord || (token.text != "true" && token.text != "false")) return unfit("");
        node.values.emplace_back(token.text == "true");
        return absl::OkStatus();
      case ColumnType::kTime: {
        if (token.kind != TokenKind::kText) return unfit("");
        const auto span = ParseTimeSpan(token.text);
        if (!span.ok()) return unfit(fmt::format("; {}", ErrorText(span.status())));
        node.values.emplace_back(*span);
        return absl::OkStatus();
      }
      case ColumnType::kInteger:
      case ColumnType::kLong: break;
    }
    if (token.kind != TokenKind::kNumber) return unfit("");
    const std::optional<int64_t> number = Number(token.text, type == ColumnType::kLong);
    if (!number) return unfit(fmt::format("; '{}' is none", token.text));
    node.values.emplace_back(*number);
    return absl::OkStatus();
  }

  static std::optional<int64_t> Number(std::string_view text, bool with_unit) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
    if (!with_unit) return std::nullopt;
    const auto size = ParseSize(text);
    if (!size.ok() || *size > INT64_MAX) return std::nullopt;
    return static_cast<int64_t>(*size);
  }

  std::vector<Token> tokens_;
  size_t next_ = 0;
  size_t depth_ = 0;
  PageNeeds needs_ = PageNeeds::kNothing;
};

}  // namespace

std::vector<std::string> PageColumnNames() {
  std::vector<std::string> names;
  for (const PageColumn& column : PageColumns()) {
    names.emplace_back(column.name);
    if (!column.other_name.empty()) names.emplace_back(column.other_name);
  }
  return names;
}

std::string NoSuchColumn(std::string_view name, const std::vector<std::string>& names) {
  const std::string nearest = NearestName(name, names);
  return fmt::format("there is no column '{}'; {}", name,
                     nearest.empty() ? "'weft export --help' lists them" : fmt::format("did you mean '{}'?", nearest));
}

absl::StatusOr<TimeSpan> ParseTimeSpan(std::string_view text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime("%Y-%m-%d", std::string(text), &time, &error)) {
    return TimeSpan{absl::ToUnixMicros(time), absl::ToUnixMicros(time + absl::Hours(24))};
  }
  if (absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &error)) {
    return TimeSpan{absl::ToUnixMicros(time), absl::ToUnixMicros(time) + 1};
  }
  return InvalidArgument("'{}' is neither a day ('2026-01-02') nor a time with its zone ('2026-01-02T03:04:05Z')", text);
}

absl::StatusOr<ExportWhere> ExportWhere::Parse(std::string_view text) {
  if (text.size() > kMostBytes) return InvalidArgument("longer than {} bytes", kMostBytes);
  WEFT_ASSIGN_OR_RETURN(std::vector<Token> tokens, Lexer(text).All());
  Parser parser(std::move(tokens));
  ExportWhere where;
  WEFT_ASSIGN_OR_RETURN(where.root_, parser.All());
  where.needs_ = parser.needs();
  return where;
}

}  // namespace weft
