#include "tests/support/sim_extractor.h"

namespace weft::test {

std::unique_ptr<LinkExtractor> NewSimExtractor() { return NewGumboExtractor(); }

}  // namespace weft::test
