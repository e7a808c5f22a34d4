#pragma once
#include <string_view>
namespace weft {
bool IsHtml(std::string_view mime_essence, std::string_view first_bytes);
}
