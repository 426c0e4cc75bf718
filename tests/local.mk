# Tests mirror src/.
include tests/bench/local.mk
include tests/bridge/local.mk
include tests/config/local.mk
include tests/control/local.mk
include tests/device/local.mk
include tests/devices/local.mk
include tests/drv/local.mk
include tests/examples/local.mk
include tests/fuzz/local.mk
include tests/guest/local.mk
include tests/hypervisor/local.mk
include tests/modules/local.mk
include tests/recordings/local.mk
include tests/replay/local.mk
include tests/tools/local.mk
include tests/virtio/local.mk
include tests/worker/local.mk
