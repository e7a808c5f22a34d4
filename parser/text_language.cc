#include "parser/text_language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>
#include <unicode/uloc.h>

#include <algorithm>

namespace weft {
namespace {

constexpr size_t kMostBytes = 256 * 1024;
constexpr int kLeastPercent = 10;

// cld2's code ("en", "zh-Hant", "iw") as three letters, which ICU knows; what it does not know stays as it is.
std::string ThreeLetters(CLD2::Language language) {
  const std::string code = CLD2::LanguageCode(language);
  const char* const three = uloc_getISO3Language(code.c_str());
  return three == nullptr || *three == '\0' ? code : std::string(three);
}

}  // namespace

std::vector<std::string> DetectLanguages(std::string_view text, std::string_view tag) {
  text = text.substr(0, std::min(text.size(), kMostBytes));
  const std::string hint(tag.substr(0, 64));
  CLD2::CLDHints hints = {hint.empty() ? nullptr : hint.c_str(), nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  CLD2::Language languages[3];
  int percents[3];
  double scores[3];
  int text_bytes = 0;
  bool reliable = false;
  int valid_bytes = 0;
  CLD2::ExtDetectLanguageSummaryCheckUTF8(text.data(), static_cast<int>(text.size()), /*is_plain_text=*/true, &hints, 0,
                                          languages, percents, scores, nullptr, &text_bytes, &reliable, &valid_bytes);
  std::vector<std::string> found;
  if (!reliable) return found;
  for (int i = 0; i < 3; ++i) {
    if (languages[i] == CLD2::UNKNOWN_LANGUAGE || percents[i] < kLeastPercent) continue;
    std::string code = ThreeLetters(languages[i]);
    if (std::find(found.begin(), found.end(), code) == found.end()) found.push_back(std::move(code));
  }
  return found;
}

}  // namespace weft
