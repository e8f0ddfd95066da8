"""Run code steps: what each reads from the environment, its JavaScript, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "FRAGILE_TOTAL",
    "GIFT_NOTE",
    "LOYALTY_EARNED",
    "LOYALTY_TAKEN_BACK",
    "REORDER_LIST",
    "STOCK_CHANGES",
    "Program",
]


@dataclass(frozen=True, slots=True)
class Program:
    """One Run code step; `@NUMBER@` and `@WORD@` in the texts are the merchant's own settings."""

    input: str
    script: str
    output_schema: str
    result: tuple[str, str, str]
    """Field of the output that a later condition asks about, its operator and literal."""
    value_type: str


GIFT_NOTE = Program(
    """query {
  order {
    note
    lineItems {
      title
      quantity
    }
  }
}""",
    """export default function main(input) {
  const gifts = input.order.lineItems.filter((item) => /@WORD@/i.test(item.title));
  return {
    hasGift: gifts.length > 0,
    giftCount: gifts.reduce((sum, item) => sum + item.quantity, 0),
    message: `Order has ${gifts.length} gift line(s): ${input.order.note ?? "no note"}`,
  };
}""",
    """type Output {
  "Whether a line of the order is a gift"
  hasGift: Boolean!
  "How many gifts there are"
  giftCount: Int!
  message: String!
}""",
    ("hasGift", "==", "true"),
    "EnvironmentScalarDefinition:Boolean",
)

LOYALTY_EARNED = Program(
    """query{
  order{
    subtotalPriceSet{ shopMoney{ amount } }
    customer{
      id
      loyaltyPoints{ value }
    }
  }
}""",
    """const POINTS_PER_UNIT = @NUMBER@;

export default function main({ order }) {
  // a guest order earns nothing
  if (!order.customer) { return { points: 0, balance: "0" }; }
  const points = Math.floor(Number(order.subtotalPriceSet.shopMoney.amount) * POINTS_PER_UNIT);
  const balance = Number(order.customer.loyaltyPoints?.value ?? 0) + points;
  return { points, balance: String(balance) };
}""",
    """"The output of Run Code"
type Output {
  "Points of this order"
  points: Int!
  "The customer's new balance"
  balance: String!
}""",
    ("points", ">", "0"),
    "EnvironmentScalarDefinition:Int",
)

LOYALTY_TAKEN_BACK = Program(
    """query {
  order {
    displayFinancialStatus
    totalRefundedSet { shopMoney { amount } }
    customer { id loyaltyPoints { value } }
  }
}""",
    """export default function main(input) {
  const reversible = ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED'];
  const customer = input.order?.customer;
  if (!customer || !reversible.includes(String(input.order.displayFinancialStatus))) {
    return { balance: '0', changed: 'false' };
  }
  const current = Number(customer.loyaltyPoints?.value ?? 0);
  const lost = Math.round(Number(input.order.totalRefundedSet.shopMoney.amount) * @NUMBER@);
  return { balance: String(Math.max(0, current - lost)), changed: lost > 0 ? 'true' : 'false' };
}""",
    """type Output {
  "The customer's balance after the refund"
  balance: String!
  changed: String!
}""",
    ("changed", "==", "true"),
    "EnvironmentScalarDefinition:String",
)

REORDER_LIST = Program(
    """query {
  getProductData {
    title
    vendor
    variants {
      sku
      inventoryQuantity
    }
  }
}""",
    """export default function main({ getProductData }) {
  const rows = [];
  for (const product of getProductData) {
    for (const variant of product.variants) {
      if (variant.inventoryQuantity < @NUMBER@) {
        rows.push([product.vendor, product.title, variant.sku, variant.inventoryQuantity].join("\\t"));
      }
    }
  }
  rows.sort();
  return { numRows: rows.length, table: rows.join("\\n"), "first row": rows[0] ?? null };
}""",
    """type Output {
  numRows: Int!
  "One variant a line: vendor, product, SKU, stock"
  table: String!
}""",
    ("numRows", ">", "0"),
    "EnvironmentScalarDefinition:Int",
)

FRAGILE_TOTAL = Program(
    """query {
  order {
    lineItems {
      quantity
      originalUnitPriceSet { shopMoney { amount } }
      product { tags }
    }
  }
}""",
    """export default function main(input) {
  let fragileTotal = 0.0;
  input.order.lineItems.forEach((item) => {
    if (item.product && item.product.tags.includes("@WORD@")) {
      fragileTotal += item.quantity * Number(item.originalUnitPriceSet.shopMoney.amount);
    }
  });
  return { fragileTotal: Math.round(fragileTotal * 100) / 100 };
}""",
    """type Output {
  "What the fragile items are worth"
  fragileTotal: Float!
}""",
    ("fragileTotal", ">", "200"),
    "EnvironmentScalarDefinition:Float",
)

STOCK_CHANGES = Program(
    """query{
  order{
    id
    name
    lineItems{
      name
      variant{ inventoryItem{ id } }
    }
  }
}""",
    """export default function main({ order }) {
  const pattern = /\\b(\\d{1,2}) (January|February|March) - (\\d{1,2})\\b/;
  const changes = order.lineItems
    .filter((item) => pattern.test(item.name) && item.variant?.inventoryItem?.id)
    .map((item) => ({
      delta: -@NUMBER@,
      inventoryItemId: item.variant.inventoryItem.id,
      locationId: "gid://shopify/Location/91210744112",
    }));

  return {
    message: `Order ${order.name}: ${changes.length} change(s)`,
    changes: JSON.stringify(changes), // the Admin API step puts this text in
  };
}""",
    """"The output of Run Code"
type Output {
  message: String!
  changes:String
}""",
    ("changes", "!=", "[]"),
    "EnvironmentScalarDefinition:String",
)
