#include "storage/crawl_db.h"
