#include "parser/link_extractor.h"
