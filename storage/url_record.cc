#include "storage/url_record.h"
