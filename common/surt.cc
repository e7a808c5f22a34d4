#include "common/crawl_key.h"
