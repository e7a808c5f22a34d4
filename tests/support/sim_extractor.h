// The link extractor of simulated parsers: the real one.
#pragma once

#include <memory>

#include "parser/link_extractor.h"

namespace weft::test {

std::unique_ptr<LinkExtractor> NewSimExtractor();

}  // namespace weft::test
