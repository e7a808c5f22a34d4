#include "storage/warc_store.h"
