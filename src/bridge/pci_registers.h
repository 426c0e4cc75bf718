/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of configuration space that the bridge uses (PCI Local Bus 3.0 §6.1, §6.8.2; PCI-to-PCI Bridge 1.2 §3.2;
 * PCI Power Management 1.2 §3.2; PCI Express 4.0 §7.5.3).
 */
#ifndef IOREQD_BRIDGE_PCI_REGISTERS_H
#define IOREQD_BRIDGE_PCI_REGISTERS_H

#define PCI_CONFIG_ADDRESS 0xcf8u /* the port (PCI 3.0 §3.2.2.3.2) */

#define PCI_CONFIG_SIZE   256u
#define PCI_EXTENDED_SIZE 4096u /* with the extended space of PCI Express */

#define PCI_VENDOR             0x00u
#define PCI_DEVICE             0x02u
#define PCI_COMMAND            0x04u
#define PCI_STATUS             0x06u
#define PCI_REVISION           0x08u
#define PCI_CLASS              0x09u
#define PCI_CACHE_LINE_SIZE    0x0cu
#define PCI_LATENCY_TIMER      0x0du
#define PCI_HEADER_TYPE        0x0eu
#define PCI_BAR0               0x10u
#define PCI_BAR_END            0x28u
#define PCI_SUBSYSTEM_VENDOR   0x2cu
#define PCI_SUBSYSTEM          0x2eu
#define PCI_ROM                0x30u
#define PCI_CAPABILITY_POINTER 0x34u
#define PCI_INTERRUPT_LINE     0x3cu
#define PCI_INTERRUPT_PIN      0x3du
#define PCI_FIRST_CAPABILITY   0x40u
#define PCI_FIRST_EXTENDED     0x100u

/* Of a bridge: header type 1. */
#define PCI_PRIMARY_BUS             0x18u
#define PCI_SECONDARY_BUS           0x19u
#define PCI_SUBORDINATE_BUS         0x1au
#define PCI_IO_BASE                 0x1cu
#define PCI_IO_LIMIT                0x1du
#define PCI_SECONDARY_STATUS        0x1eu
#define PCI_MEMORY_BASE             0x20u
#define PCI_MEMORY_LIMIT            0x22u
#define PCI_PREFETCH_BASE           0x24u
#define PCI_PREFETCH_LIMIT          0x26u
#define PCI_PREFETCH_BASE_UPPER     0x28u
#define PCI_PREFETCH_LIMIT_UPPER    0x2cu
#define PCI_BRIDGE_CONTROL          0x3eu
#define PCI_BRIDGE_CONTROL_WRITABLE 0x0043u /* parity response, SERR#, secondary bus reset */
#define PCI_BRIDGE_BUS_RESET        0x0040u
#define PCI_BRIDGE_PREFETCH_64BIT   0x0001u

#define PCI_COMMAND_IO           0x0001u
#define PCI_COMMAND_MEMORY       0x0002u
#define PCI_COMMAND_BUS_MASTER   0x0004u
#define PCI_COMMAND_PARITY       0x0040u
#define PCI_COMMAND_SERR         0x0100u
#define PCI_COMMAND_INTX_DISABLE 0x0400u

#define PCI_STATUS_INTERRUPT    0x0008u
#define PCI_STATUS_CAPABILITIES 0x0010u
#define PCI_STATUS_ERRORS       0xf900u /* write 1 to clear */

#define PCI_HEADER_MULTIFUNCTION 0x80u
#define PCI_HEADER_BRIDGE        0x01u

#define PCI_ROM_ENABLE 0x1u

#define PCI_BAR_IO_SPACE 0x1u
#define PCI_BAR_64BIT    0x4u
#define PCI_BAR_PREFETCH 0x8u

#define PCI_CAPABILITY_POWER   0x01u
#define PCI_CAPABILITY_MSI     0x05u
#define PCI_CAPABILITY_EXPRESS 0x10u
#define PCI_CAPABILITY_MSIX    0x11u

#define PCI_POWER_CAPABILITIES  2u
#define PCI_POWER_CONTROL       4u
#define PCI_POWER_LENGTH        8u
#define PCI_POWER_VERSION       0x0003u
#define PCI_POWER_STATE         0x0003u /* D0 to D3hot */
#define PCI_POWER_D0            0x0000u
#define PCI_POWER_D3HOT         0x0003u
#define PCI_POWER_NO_SOFT_RESET 0x0008u

#define PCI_EXPRESS_FLAGS          2u
#define PCI_EXPRESS_DEVICE         4u
#define PCI_EXPRESS_DEVICE_CONTROL 8u
#define PCI_EXPRESS_DEVICE_STATUS  10u
#define PCI_EXPRESS_LINK           12u
#define PCI_EXPRESS_LINK_CONTROL   16u
#define PCI_EXPRESS_LINK_STATUS    18u
#define PCI_EXPRESS_SLOT           20u
#define PCI_EXPRESS_SLOT_STATUS    26u
#define PCI_EXPRESS_ROOT_CONTROL   28u
#define PCI_EXPRESS_LINK2          44u
#define PCI_EXPRESS_LINK_CONTROL2  48u
#define PCI_EXPRESS_LENGTH         60u

#define PCI_EXPRESS_VERSION           0x0002u
#define PCI_EXPRESS_TYPE_SHIFT        4u
#define PCI_EXPRESS_TYPE_ENDPOINT     0x0u
#define PCI_EXPRESS_TYPE_ROOT_PORT    0x4u
#define PCI_EXPRESS_TYPE_INTEGRATED   0x9u /* endpoint on a root bus */
#define PCI_EXPRESS_SLOT_IMPLEMENTED  0x0100u
#define PCI_EXPRESS_ROLE_BASED_ERRORS 0x00008000u
#define PCI_EXPRESS_FUNCTION_RESET    0x10000000u
#define PCI_EXPRESS_CONTROL_WRITABLE  0x78ffu /* error reporting, ordering, payload and request sizes, no snoop */
#define PCI_EXPRESS_CONTROL_RESET     0x8000u
#define PCI_EXPRESS_CONTROL_INITIAL   0x2810u /* §7.5.3.4: relaxed ordering, no snoop, requests of 512 bytes */
#define PCI_EXPRESS_STATUS_CLEARABLE  0x000fu
#define PCI_EXPRESS_LINK_X1_2GT       0x0011u /* one lane at 2.5 GT/s */
#define PCI_EXPRESS_LINK_WRITABLE     0x00c0u /* common clock, extended synch */
#define PCI_EXPRESS_SLOT_NUMBER_SHIFT 19u
#define PCI_EXPRESS_SLOT_PRESENT      0x0040u
#define PCI_EXPRESS_ROOT_WRITABLE     0x001fu
#define PCI_EXPRESS_LINK2_2GT         0x00000002u

#define PCI_MSI_CONTROL       2u
#define PCI_MSI_ADDRESS       4u
#define PCI_MSI_DATA          12u
#define PCI_MSI_MASK          16u
#define PCI_MSI_PENDING       20u
#define PCI_MSI_LENGTH        24u
#define PCI_MSI_ENABLE        0x0001u
#define PCI_MSI_CAPABLE_SHIFT 1u
#define PCI_MSI_GRANTED_SHIFT 4u
#define PCI_MSI_GRANTED_MASK  0x0070u
#define PCI_MSI_64BIT         0x0080u
#define PCI_MSI_MASKABLE      0x0100u

#define PCI_MSIX_CONTROL       2u
#define PCI_MSIX_TABLE         4u
#define PCI_MSIX_PENDING       8u
#define PCI_MSIX_LENGTH        12u
#define PCI_MSIX_FUNCTION_MASK 0x4000u
#define PCI_MSIX_ENABLE        0x8000u

#endif
