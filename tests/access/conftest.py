from tests.shop import shop as shop
