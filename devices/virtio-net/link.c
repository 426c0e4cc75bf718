/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the link as the driver sees it (virtio 1.4 §5.1.4, §5.1.9.5.4). On the main loop. */
#include "net.h"

void net_show_link(struct net *net)
{
    unsigned status = net->link ? NET_STATUS_LINK_UP : 0;

    if (net->announce != 0) {
        status |= NET_STATUS_ANNOUNCE;
    }
    net_put_le(net->config + NET_CONFIG_STATUS, 2, status);
}

/*
 * A link that comes back may lead elsewhere than before: the driver is asked to make its address known there. While the
 * host wants nothing to change, it is left to resume().
 */
void net_follow_link(struct net *net)
{
    bool link = net->network != NULL && net->host->network_link(net->network) != 0;

    if (net->quiet || link == net->link) {
        return;
    }
    net->link = link;
    if (link && net_agreed(net, NET_F_GUEST_ANNOUNCE)) {
        net->announce = 1;
    }
    net_show_link(net);
    if (IOREQD_HAS(net->host, event) && net->host->event != NULL) {
        net->host->event(net->device, link ? "link-up" : "link-down", NULL);
    }
    /* A driver without the status takes the link for one that is always up. */
    if (net_agreed(net, NET_F_STATUS)) {
        ioreqd_virtio_config_changed(&net->virtio);
    }
}
