#include "common/registrable_domain.h"
